import { readFileSync } from 'node:fs'
import { requirements } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { clauseOf, reasonWords } from './clause.js'

const page = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8')

test('each clause of the protocol is linked to the section that it stands in', () => {
  const clauses = requirements.filter(({ id }) => id.includes('.'))
  expect(clauses.length).toBeGreaterThan(200)
  expect(clauses.filter(({ id, section }) => clauseOf(id).section !== section)).toEqual([])
})

test('each section that is linked has a heading with that anchor', () => {
  const sections = new Set(requirements.map(({ section }) => section))
  // 6.7 is about pages of this project's auth server, and has no heading in the protocol.
  for (const { id, section } of requirements)
    if (id.includes('.') && section !== '6.7') expect(page, id).toContain(`(#${clauseOf(id).href.split('#')[1]})`)
  expect(sections.size).toBeGreaterThan(20)
})

test('a reason has its meaning from the vocabulary, an unknown one has none', () => {
  expect(reasonWords('digest_wrong')?.meaning).toBe('Content-Digest is not the digest of the body received.')
  expect(reasonWords('path_slash')).toBeDefined()
  expect(reasonWords('constructor')).toBeUndefined()
})
