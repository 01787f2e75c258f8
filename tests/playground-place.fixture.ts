import { freeBase } from '@countersign/testing/ports'
import type { Stand } from './processes.fixture.js'

/** Starts the playground at a place; resolves with the port of its page, the first of those it uses. */
export async function startPlayground(place: Stand): Promise<number> {
  const base = await freeBase()
  await place.start('playground', ['playground', '--port', String(base)], { ready: 'playground ready at' })
  return base
}
