import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../processes.fixture.js'
import { uncheckedIn } from './unchecked-options.fixture.js'

// Reads from the sources which functions packages export, and which members their options have: TypeScript 7 has no API for it.

/** A package's entry point. */
export interface Entry {
  /** Such as `resource/hono`. */
  readonly name: string
  readonly file: string
}

/** A parameter of an exported function: as it is declared. */
export interface Parameter {
  /** `{}` for one that is taken apart at once. */
  readonly name: string
  readonly type: string
  /** Where the function is declared. */
  readonly file: string
}

/** Every entry point of every package. */
export function entries(): Entry[] {
  return readdirSync(join(root, 'packages')).flatMap(room => {
    const manifest = JSON.parse(readFileSync(join(root, 'packages', room, 'package.json'), 'utf8'))
    return Object.entries<Record<string, string>>(manifest.exports ?? {}).map(([subpath, paths]) => ({
      name: subpath === '.' ? room : `${room}${subpath.slice(1)}`,
      file: join(root, 'packages', room, paths['@countersign/source'] ?? ''),
    }))
  })
}

const texts: ReadonlyMap<string, string> = new Map(
  readdirSync(join(root, 'packages')).flatMap(room =>
    readdirSync(join(root, 'packages', room, 'src'), { recursive: true })
      .map(String)
      .filter(file => file.endsWith('.ts') && !/\.test\.|\.d\.ts$/.test(file))
      .map((file): [string, string] => {
        const path = join(root, 'packages', room, 'src', file)
        return [path, readFileSync(path, 'utf8')]
      }),
  ),
)
const sources: ReadonlyMap<string, string> = new Map([...texts].map(([path, text]) => [path, withoutComments(text)]))

/** What comments except from the check: file, function or `Interface.method`, and parameter. */
export function uncheckedOptions(): readonly string[] {
  return [...texts].flatMap(([path, text]) =>
    uncheckedIn(text, path).flatMap(({ name, parameters }) =>
      parameters.map(parameter => `${path} ${name} ${parameter}`),
    ),
  )
}

/**
 * The parameters of every function of this name in the file of an entry point, or else in the one that it is exported from, in its
 * package, or in any; one list for each.
 */
export function parametersOf({ name: entry, file }: Entry, name: string): Parameter[][] {
  const folder = `/packages/${entry.split('/')[0]}/src/`
  const [, from = ''] =
    new RegExp(`export \\{[^}]*\\b${name}\\b[^}]*\\} from '(\\./[^']+)\\.js'`).exec(sources.get(file) ?? '') ?? []
  const origin = join(file, '..', `${from}.ts`)
  const places = [
    ...[file, origin].map(only => (path: string) => path === only),
    (path: string) => path.includes(folder),
    () => true,
  ]
  for (const isMeant of places) {
    const found = declarations(
      [...sources].filter(([path]) => isMeant(path)),
      name,
    )
    if (found.length > 0) return found
  }
  return []
}

function declarations(files: Array<[string, string]>, name: string): Parameter[][] {
  return files.flatMap(([path, text]) =>
    [...text.matchAll(new RegExp(`export (?:async )?function ${name}\\b`, 'g'))].map(match => {
      const open = indexAtDepth(text, afterGenerics(text, match.index + match[0].length), '(')
      return split(inside(text, open), ',').map(one => parameterOf(one, path))
    }),
  )
}

function parameterOf(text: string, file: string): Parameter {
  const colon = indexAtDepth(text, 0, ':')
  if (colon < 0) return { name: text.trim(), type: '', file }
  const equals = indexOfDefault(text, colon)
  const name = text.slice(0, colon).replace('?', '').trim()
  return { name: name.startsWith('{') ? '{}' : name, type: text.slice(colon + 1, equals).trim(), file }
}

function indexOfDefault(text: string, from: number): number {
  for (let at = from; ; at++) {
    at = indexAtDepth(text, at, '=')
    if (at < 0) return text.length
    if (text[at + 1] !== '>') return at
  }
}

/** A method of an interface that a package exports. */
export interface Method {
  readonly owner: string
  readonly name: string
  readonly parameters: readonly Parameter[]
}

/** The methods that the interfaces of an entry point declare themselves. */
export function methodsOf({ name: entry, file }: Entry): Method[] {
  const [room = ''] = entry.split('/')
  const text = sources.get(file) ?? ''
  const types = [...text.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, all, list = '']) =>
    split(list, ',').flatMap(one => (all !== undefined ? one : (/^type (\w+)$/.exec(one)?.[1] ?? []))),
  )
  return types.flatMap(owner => {
    const { path = '', body = '' } = interfaceOf(room, owner) ?? {}
    return split(body, ';\n').flatMap(line => {
      const [, name] = /^(\w+)\??\s*[(<]/.exec(line) ?? []
      if (name === undefined) return []
      const open = indexAtDepth(line, afterGenerics(line, line.search(/[(<]/)), '(')
      return open < 0
        ? []
        : { owner, name, parameters: split(inside(line, open), ',').map(one => parameterOf(one, path)) }
    })
  })
}

/** The members of an interface of a package, and its file; undefined if the name is no interface. */
function interfaceOf(room: string, name: string): { readonly path: string; readonly body: string } | undefined {
  const pattern = new RegExp(`export interface ${name}\\b`)
  const [path = '', text = ''] =
    [...sources].find(([path, source]) => path.includes(`/${room}/src/`) && pattern.test(source)) ?? []
  const at = text.search(pattern)
  if (at < 0) return undefined
  const head = afterGenerics(text, at + `export interface ${name}`.length)
  return { path, body: inside(text, indexAtDepth(text, head, '{')) }
}

/** A member of an interface. */
interface Member {
  readonly name: string
  readonly isRequired: boolean
}

/** The members of an interface, its bases' among them, or of a type as it stands. */
export function membersOf(room: string, type: string): string[] {
  return declaredMembers(room, type).map(({ name }) => name)
}

/** Those of them that must be there. */
export function requiredMembersOf(room: string, type: string): string[] {
  return declaredMembers(room, type).flatMap(({ name, isRequired }) => (isRequired ? name : []))
}

function declaredMembers(room: string, type: string): Member[] {
  if (type.startsWith('{')) return membersIn(inside(type, 0))
  const [first = '', ...others] = split(type, '&')
  if (others.length > 0) return [first, ...others].flatMap(one => declaredMembers(room, one))
  const [, omitted, left = ''] = /^Omit<(\w+), (.*)>$/.exec(type) ?? []
  if (omitted !== undefined) return declaredMembers(room, omitted).filter(({ name }) => !left.includes(`'${name}'`))
  const [, picked, chosen = ''] = /^Pick<(\w+), (.*)>$/.exec(type) ?? []
  if (picked !== undefined) return declaredMembers(room, picked).filter(({ name }) => chosen.includes(`'${name}'`))
  const name = /^(?:readonly )?(\w+)/.exec(type)?.[1] ?? ''
  const pattern = new RegExp(`export interface ${name}\\b`)
  const files = [...sources].sort(
    ([a], [b]) => Number(b.includes(`/${room}/src/`)) - Number(a.includes(`/${room}/src/`)),
  )
  const [, text = ''] = files.find(([, source]) => pattern.test(source)) ?? []
  const at = text.search(pattern)
  if (at < 0) throw new Error(`no interface ${name}`)
  const head = afterGenerics(text, at + `export interface ${name}`.length)
  const open = indexAtDepth(text, head, '{')
  const [, bases = ''] = /\bextends\s+([\s\S]*)/.exec(text.slice(head, open)) ?? []
  const inherited = split(bases, ',').flatMap(base => basesOf(room, base.trim()))
  return [...inherited, ...membersIn(inside(text, open))]
}

function basesOf(room: string, base: string): Member[] {
  if (base === '') return []
  if (base === 'Partial<Readonly<Record<Level, string>>>')
    return ['anonymous', 'pseudonymous', 'identified', 'authorized'].map(name => ({ name, isRequired: false }))
  return declaredMembers(room, base)
}

function membersIn(body: string): Member[] {
  return split(body, ';\n').flatMap(line => {
    const [, name, optional] = /^\s*(?:readonly\s+)?(\w+)(\?)?\s*[:(<]/.exec(line) ?? []
    return name === undefined ? [] : { name, isRequired: optional === undefined }
  })
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/[^\n]*/g, '$1')
}

/** Past the type parameters that stand there, if any. */
function afterGenerics(text: string, at: number): number {
  return text[at] === '<' ? at + inside(text, at).length + 2 : at
}

const opening = '({[<'
const closing = ')}]>'

/** Where a character first stands outside brackets, from `from` on; -1 for nowhere. */
function indexAtDepth(text: string, from: number, character: string): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const one = text[at] ?? ''
    if (depth === 0 && one === character) return at
    if (opening.includes(one)) depth += 1
    if (closing.includes(one) && !(one === '>' && text[at - 1] === '=')) depth -= 1
  }
  return -1
}

/** What stands between the bracket at `open` and its end. */
function inside(text: string, open: number): string {
  const close = opening.indexOf(text[open] ?? '') < 0 ? '' : (closing[opening.indexOf(text[open] ?? '')] ?? '')
  const end = indexAtDepth(text, open + 1, close)
  return text.slice(open + 1, end)
}

function split(text: string, at: string): string[] {
  const parts: string[] = []
  let depth = 0
  let part = ''
  for (const [index, one] of [...text].entries()) {
    if (opening.includes(one)) depth += 1
    if (closing.includes(one) && !(one === '>' && text[index - 1] === '=')) depth -= 1
    if (depth === 0 && at.includes(one)) {
      parts.push(part)
      part = ''
    } else part += one
  }
  return [...parts, part].map(one => one.trim()).filter(one => one !== '')
}
