import { verifies } from '@countersign/requirements'
import { readVectors } from '@countersign/vectors'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  AAuthError,
  identityScopes,
  type Level,
  missingScope,
  parseScope,
  satisfies,
  serializeScope,
} from '../index.js'
import { identityScopesIn, unionScope } from '../internal.js'

const many = (count: number): string => Array.from({ length: count }, (_, i) => `s${i}`).join(' ')

test.each([
  ...readVectors('scopes', 'refuse').map(({ input }) => input.scope),
  ' ',
  'a b a',
  'a\nb',
  'a\0',
  'a\u00a0b',
  'a\u007f',
  many(10_000),
])(verifies('RST-13', 'limits.scopes', 'error.invalid-scope', 'scope %j is refused'), text => {
  expect(() => parseScope(text)).toThrow(expect.objectContaining({ code: 'invalid_scope', status: 400 }))
  expect(parseScope('events.read events.write')).toEqual(['events.read', 'events.write'])
})

test(verifies('limits.scopes', '64 scopes, and every character a scope may have'), () => {
  for (const { input } of readVectors('scopes', 'accept'))
    expect(parseScope(input.scope)).toEqual(input.scope.split(' '))
  expect(parseScope(many(64))).toHaveLength(64)
  expect(parseScope('!#$%&()*+,-./09:;<=>?@AZ[]^_`az{|}~')).toEqual(['!#$%&()*+,-./09:;<=>?@AZ[]^_`az{|}~'])
})

test('a serialised scope reads the same', () => {
  const scopes = fc.uniqueArray(fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,10}$/), { minLength: 1, maxLength: 64 })
  fc.assert(
    fc.property(scopes, names => {
      expect(parseScope(serializeScope(names))).toEqual(names)
    }),
  )
  expect(() => serializeScope([])).toThrow(AAuthError)
  expect(() => serializeScope(['a b', 'b'])).toThrow(AAuthError)
})

test(verifies('AUT-09', 'AUT-10', 'scopes are compared exactly'), () => {
  expect(missingScope(['data.read'], ['data.read'])).toEqual([])
  for (const have of ['data.readwrite', 'xdata.read', 'DATA.READ', 'data.*', 'data.read,data.write', 'data'])
    expect(missingScope([have], ['data.read'])).toEqual(['data.read'])
  expect(missingScope([], ['a', 'b'])).toEqual(['a', 'b'])
})

test(verifies('challenge.union-scope', 'union keeps what was held and adds what is missing'), () => {
  expect(unionScope(['a', 'b'], ['b', 'c'])).toEqual(['a', 'b', 'c'])
  expect(unionScope([], [])).toEqual([])
})

test('the identity scopes are those of OpenID Connect', () => {
  expect(identityScopes).toEqual(['openid', 'profile', 'email', 'address', 'phone'])
})

test(verifies('token.auth.identity-scopes', 'identity scopes are recognised by the claims of a token'), () => {
  expect(identityScopesIn({ iss: 'https://auth.example', scope: 'profile email' })).toEqual([])
  expect(identityScopesIn({ sub: 'u1' })).toEqual(['openid'])
  expect(identityScopesIn({ sub: 'u1', email: 'a@b.example', given_name: 'Ada' })).toEqual([
    'openid',
    'profile',
    'email',
  ])
  expect(identityScopesIn({ sub: 'u1', email_verified: true })).toEqual(['openid'])
  expect(identityScopesIn({ address: {}, phone_number: '1' })).toEqual(['address', 'phone'])
})

test(verifies('level.order', 'a higher level satisfies a lower one'), () => {
  const levels: Level[] = ['anonymous', 'pseudonymous', 'identified', 'authorized']
  const table = levels.map(have => levels.map(need => satisfies(have, need)))
  expect(table).toEqual([
    [true, false, false, false],
    [true, true, false, false],
    [true, true, true, false],
    [true, true, true, true],
  ])
})
