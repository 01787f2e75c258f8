import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './processes.fixture.js'
import { type Shape, shapesOf } from './shapes.fixture.js'

// Files and functions that a reader can hold in mind. The rule is 300 lines a file and 40 a function; data does not count.

const longestFile = 320
const longestFunction = 40
const longestWithData = 60
const mostParameters = 3

/** Functions that hold one state and all that is done with it. */
const oneState: readonly string[] = [
  // As parts with names it is 40 bytes more in every page, of which there are none to spare.
  'packages/agent/src/identity/delegate.ts openDelegate',
  'packages/httpsig/src/replay/replay-set.ts createSet',
  'packages/mcp-sdk1/src/session/sessions.ts createSessions',
  'packages/protocol/src/internal/shared-map.ts sharedMap',
]

/** Functions with more than three positional parameters, and why they have them. */
const manyParameters: Readonly<Record<string, string>> = {
  'packages/agent/src/error.ts constructor':
    'as the constructor of Error: code and message first, then what few errors have',
  'packages/agent/src/explanation.ts Tell': 'the type of note',
  'packages/agent/src/explanation.ts note': 'the fourth is optional, and a page has no bytes for an object',
  'packages/auth-server/src/exchange/upstream-token.ts key': 'the method of Directory',
  'packages/discovery/src/directory.ts key': 'public; the fourth is optional, and a key set is asked for each token',
  'packages/discovery/src/discovery.ts key': 'the method of Directory',
  'packages/httpsig/src/option/check-options.ts checkOptions':
    'called by every function with options; the fourth is optional',
  'packages/httpsig/src/replay/compact-table.ts find': 'runs for every request, which an object would slow down',
  'packages/httpsig/src/replay/compact-table.ts put': 'runs for every request, which an object would slow down',
  'packages/protocol/src/token/jws.ts jwsSignature': 'runs for every token, which an object would slow down',
  'packages/resource/src/adapter/express-node.ts ErrorMiddleware':
    'Express tells error middleware by its four parameters',
  'packages/resource/src/adapter/express-node.ts setbacks': 'Express tells error middleware by its four parameters',
  'packages/resource/src/adapter/fetch.ts guard': 'public; the fourth is optional',
  'packages/resource/src/adapter/node.ts guard': 'public; the fourth is optional',
  'packages/resource/src/downstream/downstream.ts oauth': 'ends as fetch does: input and init',
  'packages/resource/src/guard/called.ts oauth': 'ends as fetch does: input and init',
}

const sources = execFileSync('git', ['ls-files', 'packages', 'apps'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter(file => /\/src\/.*\.tsx?$/.test(file) && !/\.test\.|fixture/.test(file))
  .map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))

const shapes = sources.flatMap(({ file, text }) => shapesOf(file, text).map(shape => ({ file, ...shape })))

/** The functions that have too much of something, by file and name. */
function over(measure: (shape: Shape) => number, limit: number): string[] {
  const found = shapes.filter(shape => measure(shape) > limit)
  return [...new Set(found.map(({ file, name }) => `${file} ${name}`))]
}

test('no source file is over 320 lines', () => {
  expect(sources.length).toBeGreaterThan(300)
  const long = sources.filter(({ text }) => text.split('\n').length > longestFile)
  expect(long.map(({ file }) => file)).toEqual([])
})

test('no function is over 40 lines, those of functions within it and of data aside', () => {
  expect(shapes.length).toBeGreaterThan(5000)
  expect(over(shape => shape.lines, longestFunction)).toEqual([])
})

test('no function is over 60 lines with data and the functions within it, but those that hold one state', () => {
  expect(over(shape => shape.linesOfBlock, longestWithData)).toEqual(oneState)
})

test('no function has over three positional parameters, but those that are named here', () => {
  // A function without a name is called by a library, which decides on its parameters.
  expect(over(({ name, parameters }) => (name === '' ? 0 : parameters), mostParameters)).toEqual(
    Object.keys(manyParameters),
  )
})

describe('the shape of a function', () => {
  const shaped = (text: string): Shape | undefined => shapesOf('a.ts', text)[0]

  test('counts statements, not comments, data, or what a function within it does', () => {
    const body = ['const a = 1', '// why', '', 'const b = {', '  c: 2,', '}', 'const d = () => {', '  a()', '}']
    expect(shaped(['function f() {', ...body, '}'].join('\n'))).toMatchObject({ name: 'f', lines: 7, linesOfBlock: 9 })
  })

  test.each([
    'function f(a, b, c, d = {}) {}',
    'const f = async (a: A, b: B, { c, e }: C, ...d: D[]): Promise<void> => {}',
    'class A { f(a, b, c, d) {} }',
    'const a = { f(a, b, c, d) {} }',
    'interface A { f(a: B, b: C, c: D, d?: E): void }',
    'interface A { readonly f: (a: B, b: C, c: D, d?: E) => void }',
  ])('counts the parameters of %s', text => {
    expect(shaped(text)).toMatchObject({ name: 'f', parameters: 4 })
  })
})
