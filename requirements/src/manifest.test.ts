import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { requirements } from './manifest.js'

const cases = requirements.filter(r => r.clause !== undefined)
const clauses = requirements.filter(r => r.clause === undefined)
const clauseOf = new Map(clauses.map(clause => [clause.id, clause]))

const protocol = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const headings = new Set([...protocol.matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm)].map(match => match[1]))

describe('the manifest', () => {
  test('has no id twice', () => {
    const ids = requirements.map(r => r.id)
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
  })

  test('names cases by group and number, and clauses by dotted terms', () => {
    expect(cases.map(r => r.id).filter(id => !/^(?:[A-Z]{3}|F)-\d{2}$/.test(id))).toEqual([])
    expect(clauses.map(r => r.id).filter(id => !/^[a-z][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+$/.test(id))).toEqual([])
  })

  test('has every case of the catalogue', () => {
    const count: Record<string, number> = {}
    for (const { id } of cases) {
      const group = id.replace(/-.*/, '')
      count[group] = (count[group] ?? 0) + 1
    }
    expect(count).toEqual({
      SIG: 25,
      COV: 38,
      DIG: 18,
      TIM: 9,
      KEY: 24,
      SCH: 14,
      NON: 17,
      JWT: 20,
      AGT: 10,
      RST: 19,
      AUT: 18,
      DSC: 31,
      TOK: 33,
      UIX: 30,
      INT: 12,
      EXC: 22,
      CLI: 16,
      RAT: 10,
      LOG: 11,
      DOS: 20,
      F: 60,
      REV: 22,
      ACC: 9,
      DEL: 59,
      APR: 32,
    })
  })

  test('ties every case to a clause that exists, in the section of that clause', () => {
    expect(cases.filter(r => clauseOf.get(r.clause ?? '')?.section !== r.section)).toEqual([])
  })

  test('cites only sections that docs/protocol.md has, and leaves out none', () => {
    expect(headings.size).toBeGreaterThan(10)
    expect(requirements.filter(r => !headings.has(r.section)).map(r => r.id)).toEqual([])
    const cited = new Set(clauses.map(r => r.section))
    expect([...headings].filter(section => section !== undefined && !cited.has(section))).toEqual([])
  })

  test('says what must hold in one plain sentence', () => {
    expect(requirements.filter(r => !/^[A-Z`0-9].{15,}\.$/.test(r.text) || r.text.length > 140)).toEqual([])
    const texts = requirements.map(r => r.text)
    expect(texts.filter((text, at) => texts.indexOf(text) !== at)).toEqual([])
  })

  test('never calls a case built whose clause is not', () => {
    const early = cases.filter(r => r.status === 'built' && clauseOf.get(r.clause ?? '')?.status !== 'built')
    expect(early.map(r => r.id)).toEqual([])
  })
})
