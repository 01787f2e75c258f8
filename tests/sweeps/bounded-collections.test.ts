import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../processes.fixture.js'
import { type Filling, fillingFault } from './bound-comment.fixture.js'
import { boundedIn } from './bounded-faults.fixture.js'

// Every map, set, array and text that something is put into says in a comment what bounds it, or its source shows it: memory that
// a stranger fills is an outage for everyone else. `bound-comment.fixture.ts` says how the comment is written.

/** Keeps all messages of one run, for the report: a tool that asks, and ends. */
const toolOfOneRun = 'conformance'

/** The files of packages and apps, and those of the tests beside them. */
const all = ['packages', 'apps'].flatMap(part => readdirSync(join(root, part)).map(name => join(part, name, 'src')))
const files = [...all, 'tests'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(file => join(folder, file)),
)
const tests = files.filter(file => /\.(?:test|long)\.ts$/.test(file))
const bounded = files
  .filter(file => /\.tsx?$/.test(file) && !/^tests\/|\.test\.|\.fixture\.|\.d\.ts$/.test(file))
  .filter(file => !file.startsWith(join('packages', toolOfOneRun)))
  .map(file => ({ file, ...boundedIn(readFileSync(join(root, file), 'utf8'), file.endsWith('x') ? 'tsx' : 'ts') }))
const kept = bounded.flatMap(({ file, kept }) => kept.map(one => ({ ...one, file })))

test('every collection in the source is constant, lives in one call, or has a comment that says its bound', () => {
  expect(bounded.flatMap(({ shown, brief }) => [...shown, ...brief]).length).toBeGreaterThan(400)
  expect(bounded.flatMap(({ file, faults }) => faults.map(fault => `${file} ${fault}`))).toEqual([])
})

describe('of collections that a stranger or a peer can grow', () => {
  const strange = kept.filter(({ grownBy }) => grownBy !== 'the program')

  test('many are known', () => {
    expect(strange.length).toBeGreaterThan(100)
  })

  test('each is filled by a test', () => {
    const filled = kept.flatMap(({ file, name, filledBy }) =>
      filledBy === undefined ? [] : [{ file, name, filledBy }],
    )
    const faults = filled.flatMap(({ file, name, filledBy }) => {
      const fault = fillingFault(filledBy, titlesOf(filledBy, file))
      return fault === undefined ? [] : `${file} ${name}: ${fault}`
    })
    expect(faults).toEqual([])
  })
})

/** The texts in quotes of each test file that a comment can mean: the one beside it, or else all of that name. */
function titlesOf({ file }: Filling, source: string): readonly (readonly string[])[] {
  const beside = join(dirname(source), file)
  const meant = tests.filter(path => path === beside)
  const named = meant.length > 0 ? meant : tests.filter(path => path.endsWith(`/${file}`))
  return named.map(path => {
    const quoted = readFileSync(join(root, path), 'utf8').matchAll(/(['"`])((?:(?!\1).)*)\1/g)
    return [...quoted].map(([, , text = '']) => text)
  })
}
