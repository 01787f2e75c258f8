// The list of mutants that is committed: tests/conformance/mutants.jsonl, one a line, with the cases and tests that can see each.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../install.mjs'
import { generateMutants } from './generate.mjs'

/** Where the list is. */
export const listFile = join(root, 'tests/conformance/mutants.jsonl')
/** Where the ids of those are that nothing has seen. */
export const survivorsFile = join(root, 'tests/conformance/mutants-survivors.txt')
const reviewedFile = join(root, 'tests/conformance/mutants-reviewed.json')

/**
 * All mutants but those that a review has found to change nothing.
 * @throws Error for an entry of the review that names no mutant
 */
export function currentMutants() {
  const equivalent = new Map(
    Object.entries(JSON.parse(readFileSync(reviewedFile, 'utf8'))).flatMap(([why, ids]) => ids.map(id => [id, why])),
  )
  const all = generateMutants()
  // With its check, so that no other mutant that comes to have this id is left out.
  const nameOf = ({ id, check }) => `${id} | ${check}`
  const names = new Set(all.map(nameOf))
  const stale = [...equivalent.keys()].filter(name => !names.has(name))
  if (stale.length > 0) throw new Error(`mutants-reviewed.json names what is no mutant any more: ${stale.join(', ')}`)
  return all.filter(mutant => !equivalent.has(nameOf(mutant)))
}

/** The list that is committed. */
export function committedList() {
  return readFileSync(listFile, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

/** The mutants of today, with the cases and tests that the committed list names for each. */
export function listedMutants() {
  const known = new Map(committedList().map(listed => [identity(listed), listed]))
  return currentMutants().map(mutant => {
    const { cases = {}, on = {}, tests = [] } = known.get(identity(mutant)) ?? {}
    return { ...mutant, cases, on, tests }
  })
}

/** Ids of mutants that nothing has seen yet: checks for which a case or a test is still to be written. */
export function knownSurvivors() {
  return new Set(
    readFileSync(survivorsFile, 'utf8')
      .split('\n')
      .filter(line => line !== ''),
  )
}

/** Those that the committed list does not know. */
export function unknownMutants(mutants) {
  const known = new Set(committedList().map(identity))
  return mutants.filter(mutant => !known.has(identity(mutant)))
}

/** What a mutant is, wherever its check stands in its file. */
function identity({ id, at, check, instead }) {
  return JSON.stringify([id.replace(/-\d+$/, ''), at, check, instead])
}

/** The text of the list: without characters that hide or turn text, which titles of tests may have. */
export function listText(mutants) {
  return mutants
    .map(({ id, file, requirements, at, check, instead, cases, on, tests }) =>
      JSON.stringify({ id, file, requirements, at, check, instead, cases, on, tests }),
    )
    .map(line => `${line.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped)}\n`)
    .join('')
}

function escaped(character) {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map(unit => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}
