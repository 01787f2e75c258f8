import { expect, test } from 'vitest'
import type { SentExchange } from '../senders.js'
import { issuedToken, tokenIn } from './token-facts.js'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function exchange(headers: ReadonlyArray<[string, string]>, body = '', status = 200): SentExchange {
  return {
    at: 0,
    to: 'http://localhost:1',
    name: 'x',
    from: 'elsewhere',
    request: { method: 'GET', target: '/', headers, body: '' },
    response: { status, headers: [], body },
  }
}

const agentToken = [
  part({ typ: 'agent+jwt', alg: 'Ed25519' }),
  part({ iss: 'https://agent.example', sub: 'phone', iat: 1, exp: 61 }),
  'sig',
].join('.')
const authToken = [
  part({ typ: 'auth+jwt', alg: 'Ed25519' }),
  part({
    iss: 'https://auth.example',
    aud: 'https://calendar.example',
    agent: 'https://agent.example',
    agent_delegate: 'phone',
    sub: 'u1',
    scope: 'events.write',
    iat: 1,
    exp: 5,
  }),
  'sig',
].join('.')

test('the token of a request is read from its Signature-Key', () => {
  expect(tokenIn(exchange([['Signature-Key', `sig=jwt;jwt="${agentToken}"`]]))).toEqual({
    type: 'agent',
    issuer: 'https://agent.example',
    agent: 'https://agent.example',
    delegate: 'phone',
    issued: 1,
    expires: 61,
  })
  expect(tokenIn(exchange([['signature-key', `sig=jwt;jwt="${authToken}"`]]))).toEqual({
    type: 'auth',
    issuer: 'https://auth.example',
    audience: 'https://calendar.example',
    agent: 'https://agent.example',
    delegate: 'phone',
    user: 'u1',
    scope: 'events.write',
    issued: 1,
    expires: 5,
  })
})

test.each([
  ['no signature', []],
  ['an inline key', [['signature-key', 'sig=hwk;kty="OKP";crv="Ed25519";x="AA"']]],
  ['no value', [['signature-key', '']]],
  ['a token that is none', [['signature-key', 'sig=jwt;jwt="a.b.c"']]],
  ['another type of token', [['signature-key', `sig=jwt;jwt="${part({ typ: 'jwt' })}.${part({})}.x"`]]],
] as Array<[string, Array<[string, string]>]>)('%s names nobody', (_, headers) => {
  expect(tokenIn(exchange(headers))).toBeUndefined()
})

test('an agent server issues a token in an answer of 200', () => {
  const body = JSON.stringify({ agent_token: agentToken })
  expect(issuedToken(exchange([], body))?.delegate).toBe('phone')
  expect(issuedToken(exchange([], body, 401))).toBeUndefined()
  for (const other of ['', 'null', '{}', '{"agent_token":1}', '{"agent_token":"x"}'])
    expect(issuedToken(exchange([], other)), other).toBeUndefined()
})
