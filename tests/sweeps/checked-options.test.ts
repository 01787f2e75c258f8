import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main } from '@countersign/cli'
import { temporaryFolder } from '@countersign/testing/folders'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { ofKind } from '../tier.fixture.js'
import { type Entry, entries, membersOf, methodsOf, parametersOf } from './declared-options.fixture.js'
import {
  exempt,
  exemptMethods,
  harmless,
  methods,
  restrictions,
  type Taken,
  taken,
} from './options-registry.fixture.js'

// A misspelt option is ignored in JavaScript, and what it was to forbid allowed. Every options object of every exported function
// refuses members that it does not have, and says which was probably meant; what is exported and not registered fails here.

let registry: Record<string, Taken>
beforeAll(async () => {
  registry = await taken()
})

const excused = Object.values(exempt).flat()

/** Types of parameters that hold options, and objects written where they are taken. */
const optional =
  /^\{|(?:Options|Limits|Rules|Requirement|Identity|Settings|Needs|Place|Check|Grant|Question|User|Schedule)\b/

interface Found {
  readonly key: string
  readonly room: string
  readonly type: string
}

async function exportedOptions(): Promise<Found[]> {
  const found: Found[] = []
  for (const entry of entries()) found.push(...(await optionsOf(entry)))
  return [...new Map(found.map(one => [one.key, one])).values()]
}

async function optionsOf(entry: Entry): Promise<Found[]> {
  const [room = ''] = entry.name.split('/')
  const exported: Record<string, unknown> = await import(/* @vite-ignore */ entry.file)
  return Object.entries(exported)
    .filter(([, value]) => typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value)))
    .flatMap(([name]) =>
      parametersOf(entry, name)
        .flat()
        .filter(({ type }) => optional.test(type))
        .map(parameter => ({ key: `${entry.name} ${name} ${parameter.name}`, room, type: parameter.type })),
    )
}

/** The error of a call, whether it throws or rejects. */
async function errorOf(run: () => unknown): Promise<unknown> {
  try {
    await run()
    return undefined
  } catch (error) {
    return error
  }
}

/** A slip of a name that is not itself a name. */
function slipOf(member: string, members: readonly string[]): string {
  const slips = [member.slice(0, -1), `${member}s`, `${member}x`, `x${member}`]
  return slips.find(slip => slip !== '' && !members.includes(slip)) ?? expect.fail()
}

/** The options with one member more at this path. */
function withMember(options: object, path: string, member: string): object {
  if (path === '') return { ...options, [member]: 1 }
  const [first = '', ...rest] = path.split('.')
  const below = Object(options)[first] as object
  const changed = withMember(below, rest.join('.'), member)
  return Array.isArray(options)
    ? options.map((element, index) => (String(index) === first ? changed : element))
    : { ...options, [first]: changed }
}

async function refuses({ valid, call }: Taken, path: string, members: readonly string[], where: string): Promise<void> {
  const told = (options: object) => errorOf(() => call(options as never))
  const unknown = await told(withMember(valid, path, 'zzzzzzzzzz'))
  expect(unknown, `${where} zzzzzzzzzz`).toBeInstanceOf(TypeError)
  expect(String(unknown), where).toMatch(/unknown option '\S*zzzzzzzzzz'/)
  for (const member of members) {
    const slip = slipOf(member, members)
    const error = await told(withMember(valid, path, slip))
    expect(error, `${where} ${slip}`).toBeInstanceOf(TypeError)
    expect(String(error), where).toMatch(new RegExp(`unknown option '\\S*${slip}'; did you mean '\\w+'\\?`))
  }
}

test('every options object of every exported function is registered, and nothing else is', async () => {
  const keys = (await exportedOptions()).map(({ key }) => key)
  expect(keys.length).toBeGreaterThan(80)
  expect(keys.filter(key => !(key in registry || excused.includes(key)))).toEqual([])
  // `bearer` takes what `Omit` leaves, and needs no reader.
  expect(Object.keys(registry).filter(key => !keys.includes(key) && key !== 'resource bearer options')).toEqual([])
})

test('each refuses unknown members, and the slip of every member with the name that was meant', {
  timeout: 120_000,
}, async () => {
  for (const { key, room, type } of await exportedOptions()) {
    const one = registry[key]
    if (one === undefined) continue
    await refuses(one, '', membersOf(room, type), key)
    for (const [path, inner] of Object.entries(one.nested ?? {}))
      await refuses(one, path, membersOf(room, inner), `${key} ${path}`)
  }
})

/** Types of parameters of methods that hold options of a caller's. */
const optionalOfMethods = new RegExp(`${optional.source}|^(?:AccessRequest|SignIn|DelegatesPage)\\b`)

function optionsOfMethods(): Found[] {
  const found = entries().flatMap(entry =>
    methodsOf(entry).flatMap(({ owner, name, parameters }) =>
      parameters
        .filter(({ type }) => optionalOfMethods.test(type))
        .map(({ name: parameter, type }) => ({
          key: `${owner}.${name} ${parameter}`,
          room: entry.name.split('/')[0] ?? '',
          type,
        })),
    ),
  )
  return [...new Map(found.map(one => [one.key, one])).values()]
}

test('every options object of every method of an exported interface is registered, and refuses slips', async () => {
  const registered = await methods()
  const found = optionsOfMethods()
  expect(new Set(found.map(({ key }) => key).filter(key => !exemptMethods.has(key)))).toEqual(
    new Set(Object.keys(registered)),
  )
  for (const { key, room, type } of found) {
    const one = registered[key]
    if (one === undefined) continue
    await refuses(one, '', membersOf(room, type), key)
    expect(String(await errorOf(() => one.call(one.valid as never))), key).not.toMatch(/option '/)
  }
})

test('and each takes the same options without the slip', { timeout: 120_000 }, async () => {
  for (const [key, { valid, call }] of Object.entries(registry))
    expect(String(await errorOf(() => call(valid as never))), key).not.toMatch(/option '/)
})

/** The options with the member at this path undefined, as of a misspelt `config.agnets`. */
function withUndefined(options: object, path: string, member: string): object {
  const changed = structuredPath(options, path)
  Object.assign(changed.at, { [member]: undefined })
  return changed.whole
}

/** A copy of the options, and the object at this path in it. */
function structuredPath(options: object, path: string): { readonly whole: object; readonly at: object } {
  const whole = (Array.isArray(options) ? [...options] : { ...options }) as Record<string, object>
  if (path === '') return { whole, at: whole }
  const [first = '', ...rest] = path.split('.')
  const inner = structuredPath(whole[first] ?? {}, rest.join('.'))
  whole[first] = inner.whole
  return { whole, at: inner.at }
}

test('no member that restricts who gets in may be undefined, and the rest may', { timeout: 120_000 }, async () => {
  const tried = new Set<string>()
  const wrong: string[] = []
  for (const { key, room, type } of await exportedOptions()) {
    const one = registry[key]
    if (one === undefined) continue
    for (const [path, inner] of [['', type], ...Object.entries(one.nested ?? {})] as const)
      for (const member of membersOf(room, inner)) {
        const name = `${/^\w+/.exec(inner.replace('readonly ', ''))?.[0] ?? key}.${member}`
        const error = String(await errorOf(() => one.call(withUndefined(one.valid, path, member) as never)))
        const isRefused = new RegExp(`option '\\S*${member}' is undefined; leave it out`).test(error)
        if (!harmless.has(name) && isRefused !== restrictions.has(member))
          wrong.push(`${key} ${path} ${name}: ${error}`)
        if (isRefused) tried.add(member)
      }
  }
  expect(wrong).toEqual([])
  expect([...restrictions].filter(member => !tried.has(member))).toEqual([])
})

/** An object in a JSON schema, and how to get there: `0` stands for an element, `*` for a member of any name. */
interface Place {
  readonly path: readonly string[]
  readonly members: readonly string[]
  readonly isStrict: boolean
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
}

function placesIn(schema: JsonSchema, path: readonly string[] = []): Place[] {
  const { properties, additionalProperties, items } = schema
  return [
    ...(properties === undefined
      ? []
      : [{ path, members: Object.keys(properties), isStrict: additionalProperties === false }]),
    ...Object.entries(properties ?? {}).flatMap(([name, inner]) => placesIn(inner, [...path, name])),
    ...(typeof additionalProperties === 'object' ? placesIn(additionalProperties, [...path, '*']) : []),
    ...(items === undefined ? [] : placesIn(items, [...path, '0'])),
  ]
}

function fileWith(path: readonly string[], member: string): unknown {
  const [first, ...rest] = path
  if (first === undefined) return { [member]: 1 }
  const inner = fileWith(rest, member)
  return first === '0' ? [inner] : { [first]: inner }
}

/** What a command says. */
async function said(...args: readonly string[]): Promise<string> {
  const lines: string[] = []
  const spies = (['log', 'error'] as const).map(name =>
    vi.spyOn(console, name).mockImplementation((line: unknown) => void lines.push(String(line))),
  )
  const before = process.exitCode
  await main(['node', 'countersign', ...args])
  process.exitCode = before
  for (const spy of spies) spy.mockRestore()
  return lines.join('\n')
}

describe.each(['agent-server', 'auth-server', 'gateway'])('a file of options of %s', command => {
  const folder = temporaryFolder()

  test('has the slip of a member refused, at every depth, with the name that was meant', async () => {
    const places = placesIn(JSON.parse(await said('schema', command)))
    expect(places.length).toBeGreaterThan(1)
    for (const { path, members, isStrict } of places) {
      expect(isStrict, path.join('.')).toBe(true)
      for (const member of ofKind(members)) {
        const slip = slipOf(member, members)
        const file = join(folder, 'config.json')
        writeFileSync(file, JSON.stringify(fileWith(path, slip)))
        const inside = path.length === 0 ? '' : ` at ${path.join('.')}`
        expect(await said(command, '--config', file)).toMatch(
          new RegExp(`unknown option ${slip} \\(did you mean \\w+\\?\\)${inside.replaceAll('*', '\\*')} in `),
        )
      }
    }
  })
})
