import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { type Check, firstRefusal } from './check.js'
import { bearerChecks, botChecks, checksOf, headChecks, headChecksOf, otherHeadChecks, signedChecks } from './checks.js'
import type { Refusal } from './decision.js'

const here = { body: 'here' } as const
const neither = { bearer: undefined, bot: undefined }

const namesFor = (credential: Parameters<typeof checksOf>[0]): string[] =>
  [...headChecksOf(credential), ...checksOf(credential, here)].map(({ name }) => name)

test(
  verifies(
    'policy.order',
    'a signed request is judged by facts, then conditions, limits and policy; what is used up by it comes last',
  ),
  () => {
    expect(headChecks.map(({ name }) => name)).toEqual([
      'revoked',
      'mandate',
      'deny',
      'agents',
      'approval of another',
      'level and scope',
      'via',
      'conditions',
      'purposes',
      'single calls',
    ])
    expect(signedChecks.map(({ name }) => name)).toEqual([
      'data',
      'arguments',
      'limits',
      'policy',
      'approval',
      'replay',
      'interaction',
      'approval once',
      'calls',
    ])
    expect([headChecksOf(neither), checksOf(neither, here)]).toEqual([headChecks, signedChecks])
    const late = checksOf(neither, { body: 'late' }).map(({ name }) => name)
    expect(late.slice(0, 4)).toEqual(['revoked', 'conditions', 'purposes', 'single calls'])
    expect(late.slice(4)).toEqual(signedChecks.map(({ name }) => name))
  },
)

test('a request with a bearer token is judged by lists, limits and policy', () => {
  expect(namesFor({ bearer: {} as never, bot: undefined })).toEqual(['deny', 'limits', 'policy'])
  expect(checksOf({ bearer: {} as never, bot: undefined }, here)).toBe(bearerChecks)
})

test('a request of a bot is judged alike, and remembered last', () => {
  expect(namesFor({ bearer: undefined, bot: {} as never })).toEqual(['deny', 'limits', 'policy', 'replay'])
  expect([headChecksOf({ bearer: undefined, bot: {} as never }), botChecks.length]).toEqual([otherHeadChecks, 3])
})

test('the first refusal ends the checks', async () => {
  const refusal: Refusal = {
    error: new AAuthError('policy_denied', 'no', { reason: 'policy_refused' }),
    ask: 'nothing',
  }
  const ran: string[] = []
  const check = (name: string, verdict?: Refusal): Check<object> => ({
    name,
    async refusal() {
      ran.push(name)
      return verdict
    },
  })
  const pass = [check('one'), check('two')]
  expect(await firstRefusal({}, pass)).toBe(undefined)
  ran.length = 0
  expect(await firstRefusal({}, [...pass, check('refuses', refusal), check('never')])).toBe(refusal)
  expect(ran).toEqual(['one', 'two', 'refuses'])
})
