import { expect, test } from 'vitest'
import { levelOf, levels } from './levels.js'
import { requirements } from './manifest.js'
import { isNamed } from './named.js'

const ids = requirements.map(({ id }) => id)
const idsOf = (level: string): string[] =>
  requirements.filter(one => levelOf(one) === level).map(({ id, clause }) => clause ?? id)

test('a requirement belongs to the level of its clause, a clause to the level that names it or its section', () => {
  expect(idsOf('core')).toContain('sig.covered.query')
  expect(idsOf('consent')).toContain('consent.page')
  expect(idsOf('delegates')).toContain('delegate.rotate')
  // Section 6.3 is of the level consent, and these two of its clauses are not.
  expect(idsOf('delegates')).toEqual(expect.arrayContaining(['restore.delegates', 'grant.delegates']))
  expect(idsOf('chain')).toEqual(expect.arrayContaining(['exchange.act', 'revocation.middle']))
  expect(idsOf('delegation')).toEqual(expect.arrayContaining(['policy.unknown', 'approval.once', 'token.policy']))
  for (const { level } of levels) expect(idsOf(level).length, level).toBeGreaterThan(5)
})

test('levels name clauses and sections that exist, and no clause twice', () => {
  const sections = new Set(requirements.map(({ section }) => section))
  for (const one of levels) {
    expect(one.sections.filter(section => !sections.has(section))).toEqual([])
    expect(one.clauses.filter(name => !ids.some(id => isNamed(id, [name])))).toEqual([])
  }
  const twice = ids.filter(id => levels.filter(({ clauses }) => isNamed(id, clauses)).length > 1)
  expect(twice).toEqual([])
})
