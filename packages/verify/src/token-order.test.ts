import {
  generateSigningKey,
  importVerifyKey,
  openSignature,
  type ReceivedMessage,
  type SigningKey,
  verifySignature,
} from '@countersign/httpsig'
import {
  checkAgentToken,
  checkAuthToken,
  parseConditions,
  parseToken,
  verifyTokenSignature,
} from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { forgeToken } from '@countersign/testing/world/tokens'
import { expect, test } from 'vitest'
import { authToken, network, now, type Origin, signed } from './network.test.fixture.js'
import { createVerifier } from './verifier.js'

const api = 'https://api.example'

/** The outcome: the error's code, status and description, or `held`. */
async function outcome(attempt: () => Promise<unknown>): Promise<unknown> {
  try {
    await attempt()
    return 'held'
  } catch (error) {
    const { code, status, message } = error as { code: unknown; status: unknown; message: unknown }
    return { code, status, message }
  }
}

/** A token with any claims: the project's own signer refuses to sign invalid ones. */
const tokenOf = (typ: string, key: SigningKey, claims: Readonly<Record<string, unknown>>): Promise<string> =>
  forgeToken({ kid: 'k1', key }, { typ }, claims)

/** The order of the protocol, one step after the other, without a cache. */
async function stepByStep(message: ReceivedMessage, jwt: string, issuer: Origin): Promise<void> {
  const opened = openSignature(message, { authorities: ['api.example'], scheme: 'https', now: () => now })
  const parsed = parseToken(jwt, ['auth+jwt', 'agent+jwt'])
  await verifyTokenSignature(parsed, await importVerifyKey(issuer.key.publicJwk))
  const claims =
    parsed.typ === 'auth+jwt'
      ? checkAuthToken(parsed, { now, audience: api })
      : checkAgentToken(parsed, { now, receiver: api })
  if ('constraints' in claims) parseConditions(claims.constraints)
  const code = parsed.typ === 'auth+jwt' ? 'invalid_auth_token' : 'invalid_agent_token'
  const own = await importVerifyKey(claims.cnf.jwk).catch(() => {
    const message =
      'A claim of the token is missing, or has a form that is not allowed: cnf.jwk must be a point on its curve'
    throw Object.assign(new Error(message), { code, status: 401 })
  })
  await verifySignature(opened, own)
}

const faults: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>]> = [
  ['none', {}],
  ['expired', { iat: now - 900, exp: now - 300 }],
  ['of the future', { iat: now + 120, exp: now + 300 }],
  ['for another', { aud: 'https://other.example' }],
  ['without jti', { jti: '' }],
  ['with conditions', { constraints: [] }],
  ['with conditions that are none', { constraints: {} }],
  ['with the conditions of another type', { constraints: [], delegation: [] }],
  ['without a key', { cnf: {} }],
  ['with a key of small order', { cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: 'A'.repeat(43) } } }],
  [
    'with a point off the curve',
    { cnf: { jwk: { kty: 'EC', crv: 'P-256', alg: 'ES256', x: 'B'.repeat(42) + 'A', y: 'C'.repeat(42) + 'A' } } },
  ],
]

test(
  verifies(
    'token.order',
    'token.binding',
    'checks in parallel and checks in sequence give the same result for the same token and request',
  ),
  async () => {
    const net = network()
    const auth = await net.publish('aauth-issuer', 'https://auth.example')
    const agent = await net.publish('aauth-agent', 'https://agent.example')
    const [key, thief, stranger] = await Promise.all([generateSigningKey(), generateSigningKey(), generateSigningKey()])
    const verifier = createVerifier({
      receiver: api,
      discovery: net.discovery,
      accept: ['agent+jwt', 'auth+jwt'],
      authServers: [auth.id],
      now: () => now,
    })
    const seen = new Set<string>()
    const times = { iat: now - 10, exp: now + 290, jti: 'j1', cnf: { jwk: key.publicJwk } }
    const kinds = [
      ['auth+jwt', auth, { ...times, iss: auth.id, aud: api, agent: agent.id, scope: 'events.read' }],
      ['agent+jwt', agent, { ...times, iss: agent.id, sub: 'delegate-1' }],
    ] as const
    for (const [typ, issuer, claims] of kinds)
      for (const [fault, changed] of faults)
        for (const signer of [issuer.key, stranger])
          for (const holder of [thief, key] satisfies SigningKey[]) {
            const jwt = await tokenOf(typ, signer, { ...claims, ...changed })
            const message = await signed(`${api}/x`, holder, { scheme: 'jwt', jwt })
            const expected = await outcome(() => stepByStep(message, jwt, issuer))
            const name = `${typ} ${fault} ${signer === stranger ? 'forged' : ''} ${holder === thief ? 'stolen' : ''}`
            // Twice: the second request, which may find the token in the cache, gets the same result.
            for (const time of [1, 2])
              expect([name, time, await outcome(() => verifier.verify(message))]).toEqual([name, time, expected])
            seen.add(JSON.stringify(expected))
          }
    // The table has enough different outcomes: verified, forged, stolen, and most faults of the token.
    expect(seen.size).toBeGreaterThan(12)
  },
)

test('a handler cannot change the facts of a cached token for the next request', async () => {
  const net = network()
  const auth = await net.publish('aauth-issuer', 'https://auth.example')
  const key = await generateSigningKey()
  const verifier = createVerifier({
    receiver: api,
    discovery: net.discovery,
    accept: ['auth+jwt'],
    authServers: [auth.id],
    now: () => now,
  })
  const jwt = await authToken(auth, key, { sub: 'u1', name: 'Ada' } as never)
  const first = await verifier.verify(await signed(`${api}/x`, key, { scheme: 'jwt', jwt }))
  if (first.caller.level !== 'authorized') throw new Error('not authorized')
  const { scope, user } = first.caller
  expect(() => (scope as string[]).push('events.write')).toThrow(TypeError)
  expect(() => Object.assign(user?.claims ?? {}, { name: 'Eve' })).toThrow(TypeError)
  const second = await verifier.verify(await signed(`${api}/y`, key, { scheme: 'jwt', jwt }))
  expect(second.caller).toEqual(first.caller)
  expect(second.caller).toMatchObject({ scope: ['events.read'], user: { claims: { name: 'Ada' } } })
})
