import { insideOnly, isNamed, levelOf, requirements } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { allCases } from './all-cases.js'
import { readRequirements } from './requirements.js'

test('the list of requirements that is packed with the suite is the list of the project', () => {
  // After a change of the list: npx tsc -b requirements && node scripts/conformance-requirements.mjs && npx biome check --write packages/conformance
  const listed = requirements
    .filter(({ status }) => status === 'built')
    .map(one => {
      const { id, section, clause, text } = one
      return { id, section, level: levelOf(one), ...(clause === undefined ? {} : { clause }), text }
    })
  expect(readRequirements().all).toEqual(listed)
})

test('each case has the id of a requirement, once for each kind of participant', () => {
  const { get } = readRequirements()
  for (const { id, clauses } of allCases()) for (const one of [id, ...clauses]) expect(get(one).id).toBe(one)
  const names = allCases().map(({ role, id }) => `${role} ${id}`)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})

test('what only tests inside can check is a clause that exists', () => {
  const ids = requirements.map(({ id }) => id)
  const named = insideOnly.flatMap(({ clauses }) => clauses)
  expect(named.filter(name => !ids.some(id => isNamed(id, [name])))).toEqual([])
})
