import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../processes.fixture.js'

/** A map, set, array or table in the source that something is put into. */
export interface Collection {
  /** From the root, such as `packages/mcp-sdk1/src/session/sessions.ts`. */
  readonly file: string
  /** What it is called there; `?` where it has no name of its own. */
  readonly name: string
  /** It stands in no function. */
  readonly isGlobal: boolean
}

/** What makes a collection, and what adds to an array. Weak maps end with their keys. */
const made = String.raw`new (?:Map|Set)\b|\b(?:boundedMap|sharedMap|boundedCache|digestTable|countTable|sessionGroups|shelf)\s*[<(]`
const named = [
  new RegExp(
    String.raw`(?:\b(?:const|let|readonly|static)\s+|^\s+(?:this\.)?)(#?\w+)(?::[^=]*)?\s*=\s*(?:\w+\s*\?\?\s*)?(?:${made})`,
  ),
  new RegExp(String.raw`(\w+)\??:\s*(?:${made})`, 'g'),
]
const anyMade = new RegExp(`(?:${made})`)
const added = /([\w.#]+)\.(?:push|unshift)\(/g
/** Text that grows by what arrives. */
const appended = /\b(\w+) \+= .*(?:\bchunk\b(?!\.length| as Buffer\)\.length)|\bdecode\()/g

/** Keeps all messages of one run, for the report: a tool that asks, and ends. */
const toolOfOneRun = 'conformance'

/** Source files of packages and apps, without tests and fixtures. */
function sources(): readonly string[] {
  return ['packages', 'apps'].flatMap(part =>
    readdirSync(join(root, part)).flatMap(name => {
      if (name === toolOfOneRun) return []
      const folder = join(part, name, 'src')
      return readdirSync(join(root, folder), { recursive: true })
        .map(file => join(folder, String(file)))
        .filter(file => /\.tsx?$/.test(file) && !/\.test\.|\.fixture\.|\.d\.ts$/.test(file))
    }),
  )
}

/** Every collection in the source, once for each name in a file. */
export function collections(): readonly Collection[] {
  return sources().flatMap(file => {
    const found = new Map<string, Collection>()
    for (const line of codeOf(file).split('\n')) {
      for (const name of namesIn(line)) {
        const isGlobal = /^\S/.test(line)
        found.set(name, { file, name, isGlobal: isGlobal || found.get(name)?.isGlobal === true })
      }
    }
    return [...found.values()]
  })
}

/** The text of a source file without comments, which hold nothing. */
export function codeOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
    .replaceAll(/\/\*.*?\*\//gs, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
}

function namesIn(line: string): readonly string[] {
  if (/^\s*(?:import|export function|function|export interface|interface)\b/.test(line)) return []
  const names = [...line.matchAll(added), ...line.matchAll(appended)].map(match => match[1] ?? '?')
  if (!anyMade.test(line)) return names
  const [constant, members] = named
  const declared = constant?.exec(line)?.[1]
  if (declared !== undefined) return [...names, declared]
  const all = [...line.matchAll(members ?? /$^/g)].map(match => match[1] ?? '?')
  return [...names, ...(all.length === 0 ? ['?'] : all)]
}
