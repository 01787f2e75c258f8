import { expect, test } from 'vitest'
import type { Verdict } from '../case/verdict.js'
import { readRequirements } from '../requirements.js'
import { type LevelEvidence, levelLine, levelResults } from './levels.js'

const requirements = readRequirements()
// Two of the core, two of consent, one of delegates.
const caseIds = ['COV-04', 'sig.required', 'consent.page', 'consent.code', 'delegate.rotate']
const groupOf: Readonly<Record<string, string>> = { 'COV-04': 'covered', 'sig.required': 'signature' }

function found(verdicts: Readonly<Record<string, Verdict>>): LevelEvidence[] {
  return Object.entries(verdicts).map(([id, verdict]) => ({
    id,
    verdict,
    group: groupOf[id] ?? (id.startsWith('after:') ? id.slice(6) : 'pages'),
  }))
}

const whole: Readonly<Record<string, Verdict>> = {
  'COV-04': 'passed',
  'sig.required': 'warning',
  'after:covered': 'passed',
  'consent.page': 'passed',
  'consent.code': 'not applicable',
  'delegate.rotate': 'not applicable',
}

const said = (changed: Readonly<Record<string, Verdict>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    levelResults({ results: found({ ...whole, ...changed }), caseIds, requirements }).map(one => [
      one.level,
      one.verdict,
    ]),
  )

test('a level is reached when some case of it passed and none failed; what is not applicable is named', () => {
  expect(said({})).toEqual({
    core: 'reached',
    consent: 'reached',
    delegates: 'not judged',
    chain: 'not judged',
    delegation: 'not judged',
  })
  const [, consent] = levelResults({ results: found(whole), caseIds, requirements })
  expect(consent).toMatchObject({ passed: 1, notApplicable: ['consent.code'] })
  expect(consent && levelLine(consent)).toBe('level consent: reached (1 passed; not applicable: consent.code)')
})

test.each(['failed', 'skipped'] as const)(
  'a level with a case that is %s is not reached, and the others are',
  verdict => {
    expect(said({ 'consent.page': verdict })).toMatchObject({ core: 'reached', consent: 'not reached' })
    expect(said({ 'COV-04': verdict })).toMatchObject({ core: 'not reached', consent: 'reached' })
  },
)

test('what fails after a group counts for the levels of its cases', () => {
  expect(said({ 'after:covered': 'failed' })).toMatchObject({ core: 'not reached', consent: 'reached' })
  expect(said({ 'after:pages': 'failed' })).toMatchObject({ core: 'reached', consent: 'not reached' })
})

test('cases that did not run are undecided', () => {
  const [core, consent] = levelResults({ results: found({ 'COV-04': 'passed' }), caseIds, requirements })
  expect(core).toMatchObject({ verdict: 'not reached', undecided: ['sig.required'] })
  expect(consent).toMatchObject({ verdict: 'not reached', undecided: ['consent.page', 'consent.code'] })
})
