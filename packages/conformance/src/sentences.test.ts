import { readFileSync } from 'node:fs'
import { readPlaces, requirements, sentencesWith } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { allCases, type ListedCase } from './all-cases.js'

// What the suite asks, docs/protocol.md says: each case stands on a sentence of it.

const places = readPlaces(readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8'))
const clauseOf = new Map(requirements.map(({ id, clause }) => [id, clause ?? id]))

/** Where on the page the clauses of a case stand, its own first. */
function placesOf({ id, clauses }: ListedCase) {
  return [id, ...clauses].flatMap(one => places.get(clauseOf.get(one) ?? one) ?? [])
}

test('the words of a case stand in one sentence of the page, at a clause that it is about', () => {
  const strange = allCases().flatMap(one =>
    one.words
      .filter(words => placesOf(one).every(place => sentencesWith(place, words).length !== 1))
      .map(words => `${one.role} ${one.id}: ${words}`),
  )
  expect(strange).toEqual([])
})

test('a case without words has a clause that is one sentence', () => {
  const silent = allCases().filter(one => one.words.length === 0 && placesOf(one)[0]?.sentences.length !== 1)
  expect(silent.map(({ role, id }) => `${role} ${id}`)).toEqual([])
})
