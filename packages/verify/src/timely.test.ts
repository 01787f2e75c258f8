import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { isTimely } from './identify-caller.js'

const token = (typ: 'agent+jwt' | 'auth+jwt') => ({ typ, notBefore: 1000, exp: 2000 })

test.each([
  [999, false],
  [1000, true],
  [1999, true],
  [2000, false],
])(verifies('token.times', 'a token from 1000 to 2000 is accepted at %i: %s'), (now, expected) => {
  for (const typ of ['agent+jwt', 'auth+jwt'] as const) expect(isTimely(token(typ), { now, grace: 0 })).toBe(expected)
  expect(isTimely(undefined, { now, grace: 0 })).toBe(true)
})

test.each([
  ['agent+jwt', true],
  ['auth+jwt', false],
] as const)(verifies('token.times', 'grace after the end is for agent tokens: %s %s'), (typ, expected) => {
  expect(isTimely(token(typ), { now: 2029, grace: 30 })).toBe(expected)
  expect(isTimely(token(typ), { now: 2030, grace: 30 })).toBe(false)
  expect(isTimely(token(typ), { now: 999, grace: 30 })).toBe(false)
})
