import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { requirements } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { type Results, resultsFile, tracesPage, withTable } from '../scripts/model/page.mjs'
import { readModels } from '../scripts/model/read.mjs'
import { insideOnlyCases, notInSuite, suiteCases } from '../scripts/model/suite.mjs'
import { root } from './processes.fixture.js'

// The models of the protocol: what they say of themselves, and the pages made of what SPIN found. model.long.ts runs SPIN.

const models = readModels()
const results = JSON.parse(readFileSync(resultsFile, 'utf8')) as Results
const byId = new Map(requirements.map(requirement => [requirement.id, requirement]))

describe.each(models)('the model of $name', ({ name, text, protections, assumptions, goals }) => {
  test('names for each protection a clause that is built, and a case that attacks this clause', () => {
    expect(protections.length).toBeGreaterThan(5)
    for (const { clause, case: id } of protections) {
      expect(byId.get(clause), clause).toMatchObject({ status: 'built' })
      expect(byId.get(id), id).toMatchObject({ status: 'built', clause })
    }
  })

  test('numbers its protections one by one, and uses each', () => {
    const all = [...protections, ...assumptions]
    expect(all.map(({ number }) => Number(number))).toEqual(all.map((_, at) => at + 1))
    expect([...text.matchAll(/^#define \w+ +\d+ +\/\* [a-z.-]+ · /gm)]).toHaveLength(all.length)
    for (const protection of all)
      expect(text.match(new RegExp(`\\b(?:KEEP|AWAY)\\(${protection.name}\\b`)), protection.name).not.toBeNull()
  })

  test('has an honest run that ends, and results for every search', () => {
    expect(goals.length).toBeGreaterThan(0)
    const rows = results[name] ?? []
    expect(rows[0]).toMatchObject({ title: 'all protections', steps: [] })
    expect(rows[0]).not.toHaveProperty('broken')
    expect(rows.filter(({ title }) => title.startsWith('honest run'))).toHaveLength(goals.length)
    for (const { name: removed, property } of [...protections, ...assumptions]) {
      const row = rows.find(found => found.name === removed)
      expect(row?.broken, removed).toBe(property)
      expect((row?.steps ?? []).length > 0, removed).toBe(property !== undefined)
    }
  })
})

test('docs/model.md and docs/model-traces.md are what scripts/model.mjs makes of the results', () => {
  expect(Object.keys(results)).toEqual(models.map(({ name }) => name))
  const page = readFileSync(join(root, 'docs/model.md'), 'utf8')
  expect(page).toBe(withTable(page, models, results))
  expect(readFileSync(join(root, 'docs/model-traces.md'), 'utf8')).toBe(tracesPage(models, results))
})

/** Attacks that the conformance suite could run, and does not yet. This number may only become smaller. */
const mostMissing = 1

test('the conformance suite runs the attacks that show from outside', () => {
  expect(notInSuite(models).filter(({ why }) => why === undefined).length).toBeLessThanOrEqual(mostMissing)
})

test('an attack that only tests inside can run is one of a model, and no case of the suite', () => {
  const protections = models.flatMap(model => model.protections)
  for (const id of insideOnlyCases.flatMap(({ ids }) => ids)) {
    const attacked = protections.filter(one => one.case === id)
    expect(attacked.length, id).toBeGreaterThan(0)
    expect(attacked.flatMap(suiteCases), id).toEqual([])
  }
})
