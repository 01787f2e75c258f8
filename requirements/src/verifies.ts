import { requirements } from './manifest.js'

const known: ReadonlySet<string> = new Set(requirements.map(r => r.id))

/**
 * Names what a test proves: `test(verifies('COV-04', 'an uncovered query is refused'), …)`.
 * The last argument is the title; the ids before it must stand in the manifest.
 * @throws TypeError when an id is unknown, so that a misspelt citation fails the test file.
 */
export function verifies(...idsThenTitle: readonly [string, string, ...string[]]): string {
  const ids = idsThenTitle.slice(0, -1)
  const title = idsThenTitle.at(-1)
  for (const id of ids) if (!known.has(id)) throw new TypeError(`no requirement has the id ${id}`)
  return `[${ids.join(' ')}] ${title}`
}
