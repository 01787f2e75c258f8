import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasonGroups, reasons } from '@countersign/protocol/reasons'
import { requirements } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { reasonsPage } from '../scripts/reasons.mjs'
import { root } from './processes.fixture.js'

// The vocabulary of reasons: one table, one page, and names that say what they mean.

const entries = reasonGroups.flatMap(([, group]) => Object.entries(group))
const all = ['packages', 'apps', 'tests'].flatMap(top => sourcesIn(top))
const tests = all.filter(({ file }) => /\.(?:test|long|fixture)\.tsx?$/.test(file) && file !== 'tests/reasons.test.ts')
const products = all.filter(({ file }) => !/^tests\/|\.test\.|fixture|\/reason\//.test(file))

test('docs/reasons.md is what scripts/reasons.mjs makes of the vocabulary', () => {
  expect(readFileSync(join(root, 'docs/reasons.md'), 'utf8')).toBe(reasonsPage())
})

test('every reason has one name in snake case, its codes, two sentences and a clause of the manifest', () => {
  const clauses = new Set(requirements.map(({ id }) => id))
  expect(entries.length).toBeGreaterThan(150)
  expect(new Set(entries.map(([name]) => name)).size).toBe(entries.length)
  for (const [name, { codes, meaning, fix, clause }] of entries) {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(name.length, name).toBeLessThanOrEqual(40)
    expect(codes.length > 0, name).toBe(Object.hasOwn(reasons, name))
    for (const text of [meaning, fix]) expect(text, name).toMatch(/^\S.{10,200}\.$/)
    // It is an error_description, which has these characters only (RFC 6749 §5.2).
    expect(meaning, name).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    expect(clauses, name).toContain(clause)
  }
})

test('every reason is given by a product source, and no source gives it with another code than its own', () => {
  const given = products.flatMap(({ file, text }) => refusalsIn(text).map(refusal => ({ file, ...refusal })))
  expect(given.length).toBeGreaterThan(150)
  const wrong = given.filter(({ code, reason }) => code !== undefined && !entryOf(reason)?.codes.includes(code))
  expect(wrong).toEqual([])
  const silent = entries.map(([name]) => name).filter(name => !products.some(({ text }) => text.includes(`'${name}'`)))
  expect(silent).toEqual([])
})

test('an error is made by its reason: only error.ts of the two packages names a class', () => {
  const makers = products.filter(({ text }) => /\bnew (?:AAuthError|HttpSigError)\(/.test(text)).map(({ file }) => file)
  const ours = makers.filter(file => file.startsWith('packages/') && !file.startsWith('packages/conformance/'))
  expect(ours.toSorted((a, b) => a.localeCompare(b))).toEqual([
    'packages/httpsig/src/error.ts',
    'packages/protocol/src/error.ts',
  ])
})

test('every reason of a refusal is asserted in a test', () => {
  // A name of one word counts only where a quotation begins with it: prose has such words, too.
  const words = /\b[a-z]+(?:_[a-z]+)+\b|(?<=')[a-z]+\b/g
  const asserted = new Set(tests.flatMap(({ text }) => text.match(words) ?? []))
  expect(entries.map(([name]) => name).filter(name => !asserted.has(name))).toEqual([])
})

interface Source {
  readonly file: string
  readonly text: string
}

function sourcesIn(top: string): Source[] {
  return readdirSync(join(root, top), { recursive: true })
    .map(path => `${top}/${String(path)}`)
    .filter(file => /\.tsx?$/.test(file) && !/\/dist\/|node_modules|\.d\.ts$/.test(file))
    .map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))
}

function entryOf(reason: string): { readonly codes: readonly string[] } | undefined {
  return entries.find(([name]) => name === reason)?.[1]
}

/** Reason of each error that is made here, with its code where it is not the first of its reason. */
function refusalsIn(text: string): Array<{ readonly code: string | undefined; readonly reason: string }> {
  const made = [...text.matchAll(/\b(?:refusal|new (?:AAuthError|HttpSigError))\(/g)]
  return made.flatMap(({ index, 0: start }) => {
    const given = argumentsAt(text, index + start.length)
    const code = (start === 'refusal(' ? /\bcode: '([a-z_]+)'/ : /^\s*'([a-z_]+)'/).exec(given)?.[1]
    const reason = (start === 'refusal(' ? /^\s*'([a-z_]+)'/ : /\breason: '([a-z_]+)'/).exec(given)?.[1]
    return reason === undefined ? [] : [{ code, reason }]
  })
}

/** The text up to the parenthesis that closes the call. Strings with single parentheses do not occur in these calls. */
function argumentsAt(text: string, start: number): string {
  let depth = 1
  let end = start
  while (depth > 0 && end < text.length) {
    if (text[end] === '(') depth += 1
    if (text[end] === ')') depth -= 1
    end += 1
  }
  return text.slice(start, end)
}
