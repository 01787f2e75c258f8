import {
  type Entry,
  entries,
  methodsOf,
  type Parameter,
  parametersOf,
  requiredMembersOf,
} from './declared-options.fixture.js'
import type { Values } from './options-values.fixture.js'

/** An options object that an exported function, or a method of an exported interface, takes. */
export interface Found {
  /** Entry point, function and parameter; or interface, method and parameter. */
  readonly key: string
  /** File, function and parameter, as a comment excepts it. */
  readonly declared: string
  /** The package. */
  readonly room: string
  readonly type: string
  readonly parameter: string
  /** All of its function. */
  readonly parameters: readonly Parameter[]
  /** The function itself; absent for a method. */
  readonly run?: Run
}

type Run = (...given: readonly unknown[]) => unknown

/** An options object that is checked. */
export interface Taken extends Found {
  /** Options that pass, or fail later and for another reason. */
  readonly valid: object
  readonly call: (options: object) => unknown
  /** Members whose objects are options, too: what they have, by the path to them. */
  readonly nested: Readonly<Record<string, string>>
}

/** Types of parameters that hold options, and objects written where they are taken. */
const optional =
  /^\{|^Omit<|(?:Options|Limits|Rules|Requirement|Identity|Settings|Needs|Place|Check|Grant|Question|User|Schedule)\b/
/** Types of parameters of methods that hold options of a caller's. */
const optionalOfMethods = new RegExp(`${optional.source}|^(?:AccessRequest|SignIn|DelegatesPage)\\b`)

/** The options of every function that a package exports. */
export async function exportedOptions(): Promise<readonly Found[]> {
  const found: Found[] = []
  for (const entry of entries()) found.push(...(await optionsOf(entry)))
  return unique(found)
}

async function optionsOf(entry: Entry): Promise<readonly Found[]> {
  const [room = ''] = entry.name.split('/')
  const exported: Record<string, unknown> = await import(/* @vite-ignore */ entry.file)
  return Object.entries(exported)
    .filter(([, value]) => typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value)))
    .flatMap(([name, run]) =>
      parametersOf(entry, name).flatMap(parameters =>
        parameters
          .filter(({ type }) => optional.test(type))
          .map(({ name: parameter, type, file }) => ({
            key: `${entry.name} ${name} ${parameter}`,
            declared: `${file} ${name} ${parameter}`,
            room,
            type,
            parameter,
            parameters,
            run: run as Run,
          })),
      ),
    )
}

/** The options of every method of an interface that a package exports. */
export function optionsOfMethods(): readonly Found[] {
  const found = entries().flatMap(entry =>
    methodsOf(entry).flatMap(({ owner, name, parameters }) =>
      parameters
        .filter(({ type }) => optionalOfMethods.test(type))
        .map(({ name: parameter, type, file }) => ({
          key: `${owner}.${name} ${parameter}`,
          declared: `${file} ${owner}.${name} ${parameter}`,
          room: entry.name.split('/')[0] ?? '',
          type,
          parameter,
          parameters,
        })),
    ),
  )
  return unique(found)
}

function unique(found: readonly Found[]): readonly Found[] {
  return [...new Map(found.map(one => [one.key, one])).values()]
}

/** Puts options together that pass, and the call that takes them. @throws Error for a name without a value */
export function takenBy(found: Found, { members, parameters, owners, rows }: Values): Taken {
  const { key, room, type, parameter, run } = found
  const { valid = {}, given = {}, nested = {} } = rows[key] ?? {}
  const names = requiredMembersOf(room, type)
  const missing = names.filter(name => !(name in valid || name in members))
  if (missing.length > 0)
    throw new Error(
      `${key}: give ${missing.join(', ')} a value in options-values.fixture.ts, or write "// unchecked options ${parameter}: WHY" above it`,
    )
  const required = Object.fromEntries(names.map(name => [name, members[name]]))
  const before = { ...parameters, ...given }
  const call = (options: object): unknown => {
    const taken = type.endsWith('[]') ? [options] : options
    const all = found.parameters.map(({ name }) => (name === parameter ? taken : before[name]))
    return run === undefined ? methodOf(owners, key)(...all) : run(...all)
  }
  return { ...found, valid: { ...required, ...valid }, call, nested }
}

function methodOf(owners: Values['owners'], key: string): Run {
  const [, owner = '', name = ''] = /^(\w+)\.(\w+) /.exec(key) ?? []
  const object = Object(owners[owner])
  if (typeof object[name] !== 'function')
    throw new Error(`${key}: give ${owner} an object in options-values.fixture.ts`)
  return (...given) => object[name](...given)
}
