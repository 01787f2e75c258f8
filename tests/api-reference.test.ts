import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { faultsOf } from '../reference/check-model.mjs'
import { brokenLinks, mendAnchors } from '../reference/check-pages.mjs'

// What fails `npm run docs:api`. The whole reference is written in the long tier.

const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const comment = { summary: [{ kind: 'text', text: 'One sentence.' }] }

/** A module for each package, with these declarations. */
function projectOf(packages: Readonly<Record<string, readonly object[]>>) {
  const names = Object.keys(packages)
  return {
    symbolIdMap: Object.fromEntries(names.map((name, id) => [id, { packageName: name }])),
    children: names.map((name, id) => ({ id, name, variant: 'declaration', children: packages[name] })),
  }
}

test('an export without a comment is a fault', () => {
  const a = { id: 10, name: 'a', variant: 'declaration', comment }
  expect(faultsOf(projectOf({ '@countersign/x': [a] }))).toEqual([])
  expect(faultsOf(projectOf({ '@countersign/x': [{ ...a, comment: undefined }] }))).toEqual([
    '@countersign/x a: has no comment',
  ])
})

test('a type that no package exports is a fault', () => {
  const type = { type: 'reference', name: 'Hidden', target: { packageName: '@countersign/y' } }
  const a = { id: 10, name: 'a', variant: 'declaration', comment, type }
  expect(faultsOf(projectOf({ '@countersign/x': [a] }))).toEqual([
    '@countersign/x a: its type Hidden of @countersign/y is not exported',
  ])
})

test('a type of another package must be exported again', () => {
  const shown = { id: 11, name: 'Shown', variant: 'declaration', comment }
  const a = {
    id: 10,
    name: 'a',
    variant: 'declaration',
    comment,
    type: { type: 'reference', name: 'Shown', target: 11 },
  }
  const again = { id: 12, name: 'Shown', variant: 'reference', target: 11 }
  expect(faultsOf(projectOf({ '@countersign/y': [shown], '@countersign/x': [a] }))).toEqual([
    '@countersign/x a: its type Shown is not exported by @countersign/x',
  ])
  expect(faultsOf(projectOf({ '@countersign/y': [shown], '@countersign/x': [a, again] }))).toEqual([])
})

test('a link to a page or an anchor that is not there is a fault', () => {
  mkdirSync(join(folder, 'sub'))
  writeFileSync(
    join(folder, 'a.md'),
    '<a id="code"></a>\n[b](sub/b.md#it) [itself](#code-1) [web](https://x.example)\n',
  )
  writeFileSync(join(folder, 'sub/b.md'), '<a id="it"></a>\n[a](../a.md#nothing) [c](c.md)\n')
  mendAnchors(folder)
  expect(brokenLinks(folder)).toEqual(['sub/b.md: ../a.md#nothing leads nowhere', 'sub/b.md: c.md leads nowhere'])
})
