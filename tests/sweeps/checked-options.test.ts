import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main } from '@countersign/cli'
import { temporaryFolder } from '@countersign/testing/folders'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { ofKind } from '../tier.fixture.js'
import { membersOf, uncheckedOptions } from './declared-options.fixture.js'
import { exportedOptions, type Found, optionsOfMethods, type Taken, takenBy } from './exported-options.fixture.js'
import { values } from './options-values.fixture.js'
import { harmless, restrictions } from './restricting-options.fixture.js'
import { uncheckedIn } from './unchecked-options.fixture.js'

// A misspelt option is ignored in JavaScript, and what it was to forbid allowed. Every options object of every exported function and
// of every method of an exported interface refuses members that it does not have, and says which was probably meant, unless a
// comment above it says why it is not checked.

const unchecked = uncheckedOptions()
let all: readonly Found[]
let checked: readonly Taken[]
beforeAll(async () => {
  const given = await values()
  all = [...(await exportedOptions()), ...optionsOfMethods()]
  checked = all.filter(({ declared }) => !unchecked.includes(declared)).map(found => takenBy(found, given))
})

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

async function refuses({ key, valid, call }: Taken, path: string, members: readonly string[]): Promise<void> {
  const told = (options: object) => errorOf(() => call(options))
  const where = `${key} ${path}`
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

/** An options object, or one in it. */
interface OptionsPlace {
  readonly path: string
  readonly type: string
  readonly members: readonly string[]
}

function placesOf({ room, type, nested }: Taken): readonly OptionsPlace[] {
  return [['', type] as const, ...Object.entries(nested)].map(([path, inner]) => ({
    path,
    type: inner,
    members: membersOf(room, inner),
  }))
}

test('every function and method with options is checked, unless a comment above it says why not', async () => {
  expect(checked.length).toBeGreaterThan(140)
  const excepted = all.filter(one => !checked.some(({ key }) => key === one.key))
  expect(excepted.length).toBeLessThan(110)
})

test('no comment excepts options that no function or method takes, and no row has values for them', async () => {
  expect(unchecked.filter(one => !all.some(({ declared }) => declared === one))).toEqual([])
  const { rows } = await values()
  expect(Object.keys(rows).filter(key => !checked.some(one => one.key === key))).toEqual([])
})

test('a comment that excepts options names them, says why, and stands above a function or a method', () => {
  const fn = 'export function f(o: Options, { a }: Place) {}'
  expect(uncheckedIn(`// unchecked options o and {}: all are required\n${fn}`)).toEqual([
    { name: 'f', parameters: ['o', '{}'] },
  ])
  const method = 'export interface I {\n  // unchecked options o: others\n  // implement it\n  m(o: Options): void\n}'
  expect(uncheckedIn(method)).toEqual([{ name: 'I.m', parameters: ['o'] }])
  for (const wrong of [
    `// unchecked options o\n${fn}`,
    `// unchecked options o: \n${fn}`,
    '// unchecked options o: why\n',
  ])
    expect(() => uncheckedIn(wrong)).toThrow('directly above a function or a method')
})

test('options with a member that has no value fail by its name', () => {
  const found = { key: 'x f o', declared: '', room: 'x', parameter: 'o', parameters: [], run: () => undefined }
  const given = { members: {}, parameters: {}, owners: {}, rows: {} }
  expect(takenBy({ ...found, type: '{ readonly zzz?: string }' }, given).valid).toEqual({})
  expect(takenBy({ ...found, type: '{ readonly zzz: string }' }, { ...given, members: { zzz: 1 } }).valid).toEqual({
    zzz: 1,
  })
  expect(() => takenBy({ ...found, type: '{ readonly zzz: string }' }, given)).toThrow('x f o: give zzz a value')
})

test('each refuses unknown members, and the slip of every member with the name that was meant', {
  timeout: 120_000,
}, async () => {
  for (const one of checked) for (const { path, members } of placesOf(one)) await refuses(one, path, members)
})

test('and each takes the same options without the slip', { timeout: 120_000 }, async () => {
  for (const { key, valid, call } of checked)
    expect(String(await errorOf(() => call(valid))), key).not.toMatch(/option '/)
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
  for (const one of checked.filter(({ run }) => run !== undefined))
    for (const { path, type, members } of placesOf(one))
      for (const member of members) {
        const name = `${/^\w+/.exec(type.replace('readonly ', ''))?.[0] ?? one.key}.${member}`
        const error = String(await errorOf(() => one.call(withUndefined(one.valid, path, member))))
        const isRefused = new RegExp(`option '\\S*${member}' is undefined; leave it out`).test(error)
        if (!harmless.has(name) && isRefused !== restrictions.has(member))
          wrong.push(`${one.key} ${path} ${name}: ${error}`)
        if (isRefused) tried.add(member)
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
