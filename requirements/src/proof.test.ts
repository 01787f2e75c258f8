import { expect, test } from 'vitest'
import { proofOf } from './proof.js'
import type { Requirement } from './requirement.js'

const clause = { id: 'a.clause', section: '1', text: 'A clause.', status: 'built' } as const
const attack = { id: 'AAA-01', section: '1', clause: 'a.clause', text: 'A case.', status: 'built' } as const
const future = { id: 'AAA-02', section: '1', clause: 'a.clause', text: 'Another case.', status: 'later' } as const
const all: readonly Requirement[] = [clause, attack, future]

function idsOf(passed: readonly string[]): Record<string, readonly string[]> {
  const { missing, proven, ahead } = proofOf(all, passed)
  return { missing: missing.map(r => r.id), proven: proven.map(r => r.id), ahead: ahead.map(r => r.id) }
}

test('what no test cites is missing', () => {
  expect(idsOf(['a test that names AAA-01 without brackets'])).toEqual({
    missing: ['a.clause', 'AAA-01'],
    proven: [],
    ahead: [],
  })
})

test('a proven case proves its clause, a proven clause no case', () => {
  expect(idsOf(['suite > [AAA-01] holds'])).toEqual({ missing: [], proven: ['a.clause', 'AAA-01'], ahead: [] })
  expect(idsOf(['suite > [a.clause] holds'])).toEqual({ missing: ['AAA-01'], proven: ['a.clause'], ahead: [] })
})

test('one test may cite several, in its own name and in that of its suite', () => {
  expect(idsOf(['[a.clause] suite > [AAA-01 AAA-02] holds'])).toEqual({
    missing: [],
    proven: ['a.clause', 'AAA-01'],
    ahead: ['AAA-02'],
  })
})

test('an id is compared whole', () => {
  expect(idsOf(['[AAA-011] and [a.clause.more]'])['proven']).toEqual([])
})

test('a short run need not prove what belongs to the long tier, and a long run must', () => {
  const killed = { ...attack, tier: 'long' } as const
  const missingIn = (tier: 'short' | 'long') => proofOf([killed], [], tier).missing.map(({ id }) => id)
  expect([missingIn('short'), missingIn('long')]).toEqual([[], ['AAA-01']])
})
