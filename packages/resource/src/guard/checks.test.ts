import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { type Check, firstRefusal } from './check.js'
import { bearerChecks, botChecks, signedChecks } from './checks.js'
import type { Refusal } from './decision.js'

test(
  verifies(
    'policy.order',
    'a signed request is judged by facts, then conditions, limits and policy; what is used up by it comes last',
  ),
  () => {
    expect(signedChecks.map(({ name }) => name)).toEqual([
      ...['revoked', 'mandate', 'deny', 'agents', 'approval of another', 'level and scope', 'via'],
      ...['conditions', 'purposes', 'single calls', 'data', 'arguments'],
      ...['limits', 'policy', 'approval', 'replay', 'interaction', 'approval once', 'calls'],
    ])
  },
)

test('a request with a bearer token is judged by lists, limits and policy', () => {
  expect(bearerChecks.map(({ name }) => name)).toEqual(['deny', 'limits', 'policy'])
})

test('a request of a bot is judged alike, and remembered last', () => {
  expect(botChecks.map(({ name }) => name)).toEqual(['deny', 'limits', 'policy', 'replay'])
})

test('the first refusal ends the checks, whether it comes with a promise or without', async () => {
  const refusal: Refusal = {
    error: new AAuthError('policy_denied', 'no', { reason: 'policy_refused' }),
    ask: 'nothing',
  }
  const ran: string[] = []
  const check = (name: string, verdict: ReturnType<Check<object>['refusal']>): Check<object> => ({
    name,
    refusal() {
      ran.push(name)
      return verdict
    },
  })
  const pass = [check('at once', undefined), check('later', Promise.resolve(undefined))]
  expect(await firstRefusal({}, pass)).toBe(undefined)
  for (const refuses of [check('refuses', refusal), check('refuses', Promise.resolve(refusal))]) {
    ran.length = 0
    expect(await firstRefusal({}, [...pass, refuses, check('never', undefined)])).toBe(refusal)
    expect(ran).toEqual(['at once', 'later', 'refuses'])
  }
})
