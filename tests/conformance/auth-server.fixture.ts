import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import type { Stand } from '../processes.fixture.js'
import { authServerOffers, authServerSettings, playedAroundAuthServer } from './auth-server-settings.fixture.mjs'
import type { Mutant } from './mutants.fixture.js'
import type { Subject } from './site.fixture.js'
import { startedCommand } from './started-command.fixture.js'

/** Starts `countersign auth-server` with all that the suite of auth servers judges, and says how its users act. */
export async function startAuthServer(place: Stand, mutant?: Mutant): Promise<Subject> {
  const participants: Record<string, { port: number }> = {}
  for (const name of playedAroundAuthServer) participants[name] = { port: await freePort() }
  const port = await freePort()
  const id = `http://localhost:${port}`
  const data = join(place.folder, `auth-server-${port}`)
  const settings = { id, port, data, ...authServerSettings(id, participants) }
  await place.start('auth-server', place.config('auth-server', settings), startedCommand(mutant))
  return { url: id, configuration: authServerOffers(participants) }
}
