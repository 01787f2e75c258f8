import { describe, expect, test } from 'vitest'
import { fillingFault, readBound } from './bound-comment.fixture.js'
import { boundedIn } from './bounded-faults.fixture.js'

// The rule that the sweep of collections applies, on sources of a few lines: what it accepts beside what it refuses.

/** What is wrong with a source; empty if nothing is. */
function faultsOf(...lines: readonly string[]): string {
  return boundedIn(lines.join('\n')).faults.join('\n')
}

describe('a collection of the module', () => {
  test('needs a comment if something is added to it', () => {
    const use = 'export const see = (name: string): void => void seen.add(name)'
    expect(faultsOf('const seen = new Set<string>()', use)).toBe(
      'line 1, seen: write "// bound: …" above it, since something is added to it',
    )
    expect(
      faultsOf('// bound: names of the program; grown by the program', 'const seen = new Set<string>()', use),
    ).toBe('')
    expect(
      faultsOf("const seen = new Set(['a'])", 'export const has = (name: string): boolean => seen.has(name)'),
    ).toBe('')
  })

  test('needs one if another file can add to it', () => {
    expect(faultsOf("export const names = new Set(['a'])")).toContain('other files can add to it')
    expect(faultsOf("export const names: ReadonlySet<string> = new Set(['a'])")).toBe('')
  })

  test('needs one if it is a bounded map', () => {
    expect(faultsOf('const known = boundedMap<string, string>(10)')).toContain('it is made to be kept')
  })

  test('is not fixed if a function adds to it', () => {
    const [made, use] = ['const seen = new Map()', 'export function see() { seen.set(1, 1) }']
    expect(faultsOf('// bound: fixed', made, use)).toContain('something is added to it later, so it is not fixed')
    expect(faultsOf('// bound: fixed', made, 'for (const one of [1, 2]) seen.set(one, one)')).toBe('')
  })

  test('does not live in one call', () => {
    expect(
      faultsOf('// bound: one call', 'const lines: string[] = []', 'export const f = () => lines.push("")'),
    ).toContain('it stands in no function')
  })
})

describe('a collection of a function', () => {
  const around = (...lines: readonly string[]) => faultsOf('export async function f(list: any) {', ...lines, '}')

  test.each([
    [
      'grows in a loop over what is there',
      'const seen = new Set(); for (const one of list) seen.add(one); return seen.size',
    ],
    ['grows in a callback that is called at once', 'const seen = new Set(); list.forEach(one => void seen.add(one))'],
    [
      'grows in a function that only this one calls',
      'const seen = new Set(); const add = one => void seen.add(one); add(1)',
    ],
    ['is read where it is made', 'return new Set(list).size < list.length'],
    ['is only read by what outlives the call', 'const seen = new Set(list); return one => seen.has(one)'],
  ])('needs no comment if it %s', (_, body) => {
    expect(around(body)).toBe('')
  })

  test.each([
    [
      'grows in a closure',
      'const seen = new Set(); return one => void seen.add(one)',
      'a function that may outlive the call',
    ],
    ['grows in a loop that waits', 'const all = []; for await (const one of list) all.push(one)', 'a loop that waits'],
    ['grows while it waits', 'const all = []; while (true) all.push(await list())', 'a loop that waits'],
    ['grows in an async callback', 'const all = []; list.map(async one => all.push(await one))', 'may outlive'],
    ['is handed out', 'const seen = new Map(); seen.set(1, 1); return seen', 'the function hands it out'],
    ['is a member of an object', 'return { seen: new Map() }', 'it is a member'],
    ['is given to another file', 'const seen = new Set(); seen.add(1); other(seen)', '`other` may keep it'],
    [
      'is put in another collection',
      'const seen = new Set(); list.set(1, seen); seen.add(1)',
      '`list.set` may keep it',
    ],
    ['is an array that it does not make', 'list.push(1)', 'this file does not make it'],
    ['is an array of another', 'const all = list.all; all.push(1)', 'this file does not make it'],
    ['is a text of what arrives', 'let text = ""; list.on("data", chunk => { text += chunk })', 'may outlive the call'],
  ])('needs one if it %s', (_, body, doubt) => {
    expect(around(body)).toContain(doubt)
    expect(around('// bound: one call: the list', body)).toBe('')
    const isSaid = around('// bound: one call', body).includes('and how much that is')
    expect(isSaid).toBe(doubt === 'a loop that waits')
  })

  test('shares its comment with no other', () => {
    const two = 'return { seen: new Map(), known: new Map() }'
    expect(around('// bound: one call', two)).toMatch(/^line 3, known: write/)
    expect(
      around('return {', '// bound: one call', 'seen: new Map(),', '// bound: one call', 'known: new Map() }'),
    ).toBe('')
  })
})

test('an array that a function gets is judged by what makes it, in the same file', () => {
  const add = 'function add(all: string[]) { all.push("") }'
  expect(faultsOf(add, 'export function f() { const all: string[] = []; add(all); return all }')).toBe('')
  expect(faultsOf(add, 'export function f(all: string[]) { add(all) }')).toContain('line 1, all: write')
  expect(faultsOf(`export ${add}`, 'add([])')).toContain('line 1, all: write')
})

test('a member of a class needs a comment', () => {
  const lines = ['readonly #seen: string[] = []', 'see(name: string) { this.#seen.push(name) } }']
  expect(faultsOf('export class A {', ...lines)).toContain('line 2, this.#seen: write')
  expect(faultsOf('export class A {', '// bound: one call', ...lines)).toBe('')
})

describe('a comment', () => {
  test('stands directly above a collection', () => {
    const made = ['// bound: 10 names; grown by the program', 'const known = boundedMap(10)']
    expect(faultsOf(...made)).toBe('')
    const left = 'no collection stands below this comment; remove it'
    expect(faultsOf('// bound: fixed', '', "const known = new Set(['a'])")).toBe(`line 1: ${left}`)
    expect(faultsOf('// bound: fixed', 'const known = 1')).toBe(`line 1: ${left}`)
    expect(faultsOf(...made, '// bound: fixed')).toBe(`line 3: ${left}`)
  })

  test('may be a part of another', () => {
    const known = 'const known = boundedMap(10)'
    expect(
      faultsOf('/**', ' * The names that are known.', ' * bound: 10 names;', ' * grown by the program', ' */', known),
    ).toBe('')
    expect(faultsOf('// The names that are known.', '// bound: 10 names;', '// grown by the program', known)).toBe('')
  })

  test('is left out where the source shows as much', () => {
    expect(faultsOf('// bound: fixed', "const names: ReadonlySet<string> = new Set(['a'])")).toContain(
      'remove the comment',
    )
  })

  const strange = 'bound: 10; bytes: 1 KiB; grown by a stranger; shared: by site; filled by a.test.ts "a full map"'
  test.each(['fixed', 'one call', 'one call: the rows of a page', '64 names; grown by the program'])(
    'may say %s',
    said => {
      expect(readBound(`bound: ${said}`)).toBeTypeOf('object')
    },
  )

  test('says of what a stranger grows its bytes, its share and its test', () => {
    expect(readBound(strange)).toEqual({
      kind: 'kept',
      bound: '10',
      bytes: '1 KiB',
      grownBy: 'a stranger',
      shared: 'by site',
      filledBy: { file: 'a.test.ts', title: 'a full map' },
    })
    expect(readBound(strange.replace(' bytes: 1 KiB;', ''))).toBe('a stranger grows it: say its bytes')
    expect(readBound(strange.replace(' shared: by site;', ''))).toBe('strangers grow it: say how it is shared')
    expect(readBound(strange.replace(/; filled.*/, ''))).toBe('a stranger grows it: name the test that fills it')
    expect(readBound(strange.replace(' shared: by site;', '').replace('stranger', 'peer'))).toBeTypeOf('object')
    expect(readBound('bound: 10; grown by a peer')).toBe('a peer grows it: say its bytes')
  })

  test.each([
    'bound: 10',
    'bound: fixed, of course',
    'bound: 10; grown by everyone',
    'bound: ; grown by the program',
    'bound: 10; grown by the program; bytes: 1',
    strange.replace('"a full map"', 'a full map'),
    strange.replace('a full map', 'full'),
    `${strange}.`,
  ])('is refused as %s', said => {
    expect(readBound(said)).toMatch(/^write it as/)
  })

  test('names a test file that there is once, and a part of a title in it', () => {
    const filling = { file: 'a.test.ts', title: 'a full map' }
    expect(fillingFault(filling, [['a full map forgets']])).toBeUndefined()
    expect(fillingFault(filling, [['a full set forgets']])).toBe('no test of a.test.ts has "a full map" in its title')
    expect(fillingFault(filling, [])).toContain('there is no test file a.test.ts')
    expect(fillingFault(filling, [['a full map forgets'], []])).toContain('there are several test files a.test.ts')
  })
})
