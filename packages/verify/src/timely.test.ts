import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import type { Caller } from './caller.js'
import { checkStillTimely, isTimely } from './token-times.js'

const token = (typ: 'agent+jwt' | 'auth+jwt') => ({ typ, notBefore: 1000, exp: 2000 })

test.each([
  [999, false],
  [1000, true],
  [1999, true],
  [2000, false],
])(verifies('token.times', 'a token from 1000 to 2000 is accepted at %i: %s'), (now, expected) => {
  for (const typ of ['agent+jwt', 'auth+jwt'] as const) expect(isTimely(token(typ), { now, grace: 0 })).toBe(expected)
})

test.each([
  ['agent+jwt', true],
  ['auth+jwt', false],
] as const)(verifies('token.times', 'grace after the end is for agent tokens: %s %s'), (typ, expected) => {
  expect(isTimely(token(typ), { now: 2029, grace: 30 })).toBe(expected)
  expect(isTimely(token(typ), { now: 2030, grace: 30 })).toBe(false)
  expect(isTimely(token(typ), { now: 999, grace: 30 })).toBe(false)
})

const holding = (level: 'identified' | 'authorized', given?: object): Caller =>
  ({ level, ...(given === undefined ? {} : { token: given }) }) as Caller

/** The code of the refusal of a caller whose token ends at 2000. */
function refusalOf(level: 'identified' | 'authorized', now: number, grace = 0): unknown {
  try {
    checkStillTimely(holding(level, { iat: 1060, exp: 2000 }), { now, grace })
    return undefined
  } catch (error) {
    const { code, reason } = error as { code: string; reason: string }
    return `${code} ${reason}`
  }
}

test(verifies('token.times', 'a caller whose token has ended since is refused, by the kind of its token'), () => {
  expect(refusalOf('identified', 1999)).toBe(undefined)
  expect(refusalOf('authorized', 1999)).toBe(undefined)
  expect(refusalOf('identified', 2000)).toBe('invalid_agent_token token_expired')
  expect(refusalOf('authorized', 2000)).toBe('invalid_auth_token token_expired')
  expect(refusalOf('identified', 2029, 30)).toBe(undefined)
  expect(refusalOf('identified', 2030, 30)).toBe('invalid_agent_token token_expired')
  expect(refusalOf('authorized', 2000, 30)).toBe('invalid_auth_token token_expired')
})

test('a caller without a token has none that could end', () => {
  for (const caller of [holding('identified'), { level: 'anonymous' } as const, { level: 'pseudonymous' } as Caller])
    expect(() => checkStillTimely(caller, { now: 1e12, grace: 0 })).not.toThrow()
})
