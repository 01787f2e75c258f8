import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { identityClaims } from './identity-claims.js'

test(verifies('REV-24', 'a user has no claim that a token has a meaning of its own for'), () => {
  const hostile = {
    grant: 'g1',
    purposes: ['x'],
    operation_digest: 'd',
    constraints: {},
    scope: 'all',
    sub: 'eve',
    aud: 'x',
    name: 'Ada',
    email: 'ada@example.com',
    email_verified: true,
  }
  expect(identityClaims(['openid', 'profile', 'email', 'grant', 'purposes'], hostile)).toEqual({
    name: 'Ada',
    email: 'ada@example.com',
    email_verified: true,
  })
})
