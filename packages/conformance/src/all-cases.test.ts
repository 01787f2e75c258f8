import { expect, test } from 'vitest'
import { allCases } from './all-cases.js'

test('no two cases of a role have one id, by which verdicts are told apart', () => {
  const names = allCases().map(({ role, id }) => `${role} ${id}`)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})
