import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Origin, openOrigin, pathOf, type Reply } from '../participants/origin.js'

/** Serves the documents of an agent that has no server of its own, under its identifier. */
export async function openSite(folder: string, identity: string): Promise<Origin> {
  const origin = await openOrigin({ port: Number(new URL(identity).port), option: 'identity' })
  origin.answer('*', ({ target }) => fileIn(folder, pathOf(target)) ?? { status: 404, body: '' })
  return origin
}

function fileIn(folder: string, path: string): Reply | undefined {
  // Names that begin with a dot lead out of the folder, or to what is hidden in it.
  if (!/^\/(?:\.well-known\/)?\w[\w.-]*$/.test(path)) return undefined
  try {
    return { headers: { 'content-type': 'application/json' }, body: readFileSync(join(folder, path)) }
  } catch {
    return undefined
  }
}
