import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  agentServer,
  ask,
  delegate,
  granted,
  newYear,
  otherAgent,
  resourceToken,
  type Signer,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishAgent, publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'
import type { Policy, PolicyRequest } from './policy/policy.js'

test(verifies('RST-06', 'a published key with members in any order and more of them still matches its '), async () => {
  const made = await world()
  const { x } = { x: '', ...made.agentKey.key.publicJwk }
  const key = { use: 'sig', x, kid: 'k1', alg: 'Ed25519', ext: true, crv: 'Ed25519', key_ops: ['verify'], kty: 'OKP' }
  made.web.set('https://agent.example/.well-known/jwks.json', { keys: [key] })
  const answer = await bodyOf(await ask(made, agentServer(made)))
  expect(part(answer['auth_token'], 1)['cnf']).toEqual({ jwk: { kty: 'OKP', crv: 'Ed25519', x, alg: 'Ed25519' } })
})

test(
  verifies('RST-11', 'auth.resource-token.date', 'a resource token may be presented again while it is in date'),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const form = { request_type: 'auth', resource_token: await resourceToken(made, phone) }
    const first = await granted(await send(made, phone, form))
    made.clock.now += 299
    const second = await granted(await send(made, phone, form))
    expect(second.refresh_token).not.toBe(first.refresh_token)
    made.clock.now += 1
    expect(await refusalOf(await send(made, phone, form))).toMatchObject(plain(400, 'invalid_resource_token'))
  },
)

/** Each case changes one thing about the phone's resource token; the unchanged one is granted in the same test. */
interface Change {
  readonly claims?: Record<string, unknown>
  readonly signedBy?: 'stranger' | 'agent'
  readonly kid?: string
}

async function refusedToken(made: World, phone: Signer, change: Change) {
  const signers = { stranger: await generateSigningKey(), agent: made.agentKey.key }
  const signer = change.signedBy === undefined ? {} : { signer: signers[change.signedBy] }
  const kid = change.kid === undefined ? {} : { kid: change.kid }
  const claims = change.claims === undefined ? {} : { claims: change.claims }
  const resource_token = await resourceToken(made, phone, { ...signer, ...kid, ...claims })
  return refusalOf(await send(made, phone, { request_type: 'auth', resource_token }))
}

test.each<[string, Change]>([
  [verifies('RST-01', 'auth.resource-token.key', 'signed by a stranger'), { signedBy: 'stranger' }],
  [verifies('RST-01', 'signed by the agent'), { signedBy: 'agent', kid: 'k1' }],
  [verifies('RST-01', 'with an unknown kid'), { kid: 'r2' }],
  [verifies('RST-03', 'auth.resource-token.aud', 'for another auth server'), { claims: { aud: 'https://as.example' } }],
  [
    verifies('RST-03', 'error.invalid-resource-token', 'for a near miss of this one'),
    { claims: { aud: 'https://auth.example.evil.example' } },
  ],
  [
    verifies('RST-04', 'auth.resource-token.caller', 'of another agent'),
    { claims: { agent: 'https://other.example' } },
  ],
  [verifies('RST-07', 'of a sibling delegate'), { claims: { agent_delegate: 'laptop' } }],
  [verifies('RST-07', 'of the agent server itself'), { claims: { agent_delegate: undefined } }],
  [verifies('RST-05', 'auth.resource-token.jkt', 'for another key'), { claims: { agent_jkt: 'A'.repeat(43) } }],
  [verifies('RST-08', 'token.resource.life', 'expired'), { claims: { iat: newYear - 300, exp: newYear } }],
  [verifies('RST-08', 'from the future'), { claims: { iat: newYear + 61, exp: newYear + 300 } }],
  [verifies('RST-24', 'of this auth server'), { claims: { iss: 'https://auth.example' } }],
])('a resource token %s is refused', async (_, change) => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  expect(await refusedToken(made, phone, change)).toMatchObject(plain(400, 'invalid_resource_token'))
  expect((await ask(made, phone)).status).toBe(200)
})

test(
  verifies(
    'RST-24',
    'auth.self.delegate',
    'token.auth.agent-absent',
    "a resource token by an agent's own API is good for its delegate; one by the agent for itself, or signed by another key, is refused",
  ),
  async () => {
    const asked: PolicyRequest[] = []
    const policy: Policy = request => {
      asked.push(request)
      return 'direct'
    }
    const made = await world({ policy })
    publishResource(made, 'https://agent.example', [made.agentKey])
    const phone = await delegate(made, 'phone')
    const own = async (to: Signer, o: { claims?: Record<string, unknown>; byCalendar?: true } = {}) => {
      const claims = { iss: 'https://agent.example', scope: 'notes.read', ...o.claims }
      const signer = o.byCalendar === true ? made.resourceKey.key : made.agentKey.key
      const resource_token = await resourceToken(made, to, { signer, kid: 'k1', claims })
      return send(made, to, { request_type: 'auth', resource_token })
    }
    const { auth_token } = await granted(await own(phone))
    const token = part(auth_token, 1)
    expect(token).toMatchObject({ aud: 'https://agent.example', agent_delegate: 'phone', scope: 'notes.read' })
    expect(token).not.toHaveProperty('agent')
    expect(asked).toEqual([
      { agent: 'https://agent.example', delegate: 'phone', resource: 'https://agent.example', scope: ['notes.read'] },
    ])
    const refused = plain(400, 'invalid_resource_token')
    expect(await refusalOf(await own(agentServer(made)))).toEqual({ ...refused, reason: 'token_issuer_wrong' })
    expect(await refusalOf(await own(phone, { byCalendar: true }))).toMatchObject(refused)
    expect(await refusalOf(await own(phone, { claims: { agent_delegate: 'laptop' } }))).toEqual({
      ...refused,
      reason: 'token_caller_mismatched',
    })
    expect(asked).toHaveLength(1)
  },
)

test(
  verifies('RST-04', 'a resource token stolen by another agent is refused, and the log says whose it was'),
  async () => {
    const made = await world()
    const thief = await otherAgent(made)
    const resource_token = await resourceToken(made, agentServer(made))
    const response = await send(made, thief, { request_type: 'auth', resource_token })
    expect(await refusalOf(response)).toEqual(plain(400, 'invalid_resource_token', 'token_caller_mismatched'))
    expect(made.events).toEqual([
      {
        type: 'refused',
        code: 'invalid_resource_token',
        reason: 'token_caller_mismatched',
        status: 400,
        description: 'The token was issued to another agent, delegate or key than the caller: agent',
        agent: 'https://other.example',
        cause: { claim: 'agent', expected: 'https://agent.example', received: 'https://other.example' },
        peer: '192.0.2.7',
      },
    ])
    expect((await send(made, agentServer(made), { request_type: 'auth', resource_token })).status).toBe(200)
  },
)

test(verifies('RST-05', 'RST-07', 'a resource token is refused under a new key of the same delegate'), async () => {
  const made = await world()
  const before = await delegate(made, 'phone')
  const after = await delegate(made, 'phone')
  const form = { request_type: 'auth', resource_token: await resourceToken(made, before) }
  expect(await refusalOf(await send(made, after, form))).toEqual(
    plain(400, 'invalid_resource_token', 'token_caller_mismatched'),
  )
  expect((await send(made, before, form)).status).toBe(200)
})

test(
  verifies('RST-02', 'AGT-07', 'token.typ', 'agent and auth tokens are refused in place of a resource token'),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const { auth_token, refresh_token } = await granted(await ask(made, phone))
    const agent_token = phone.signatureKey.scheme === 'jwt' ? phone.signatureKey.jwt : ''
    for (const resource_token of [agent_token, auth_token, refresh_token, 'x', '..', 'é']) {
      const response = await send(made, phone, { request_type: 'auth', resource_token })
      expect(await refusalOf(response)).toMatchObject(plain(400, 'invalid_resource_token'))
    }
    for (const token of [agent_token, auth_token]) {
      const response = await send(made, phone, { request_type: 'refresh', refresh_token: token })
      expect(await refusalOf(response)).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
    }
  },
)

test(verifies('JWT-01', 'a resource token with one byte of signature or payload changed is refused'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const resource_token = await resourceToken(made, phone)
  const wider = await resourceToken(made, phone, { claims: { scope: 'events.read events.list' } })
  const [header = '', payload = '', signature = ''] = resource_token.split('.')
  const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
  const attempts = [
    `${header}.${payload}.${flipped}`,
    `${header}.${payload}.${'A'.repeat(86)}`,
    `${header}.${wider.split('.')[1]}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}`,
  ]
  for (const attempt of attempts) {
    const response = await send(made, phone, { request_type: 'auth', resource_token: attempt })
    expect(await refusalOf(response)).toMatchObject(plain(400, 'invalid_resource_token'))
  }
  expect((await send(made, phone, { request_type: 'auth', resource_token })).status).toBe(200)
})

test(
  verifies(
    'RST-10',
    'error.discovery-failed',
    'a resource whose documents are missing, wrong or unreachable is refused',
  ),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const key = made.resourceKey
    const claims = (iss: string) => ({ claims: { iss } })
    publishResource(made, 'https://no-keys.example', [key])
    made.web.delete('https://no-keys.example/resource-keys')
    made.web.set('https://liar.example/.well-known/aauth-resource', {
      issuer: 'https://calendar.example',
      resource: 'https://calendar.example',
      jwks_uri: 'https://calendar.example/resource-keys',
    })
    for (const iss of ['https://nowhere.example', 'https://no-keys.example', 'https://liar.example']) {
      const resource_token = await resourceToken(made, phone, claims(iss))
      const response = await send(made, phone, { request_type: 'auth', resource_token })
      expect(await refusalOf(response), iss).toMatchObject(plain(400, 'discovery_failed'))
    }
    made.down.add('https://away.example')
    const resource_token = await resourceToken(made, phone, claims('https://away.example'))
    const response = await send(made, phone, { request_type: 'auth', resource_token })
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await refusalOf(response)).toEqual({
      ...plain(503, 'discovery_failed'),
      reason: 'participant_unreachable',
    })
    expect((await ask(made, phone)).status).toBe(200)
  },
)

test(
  verifies('DOS-10', 'error.invalid-request', 'names that together are too long for a token are refused'),
  async () => {
    const made = await world({ policy: () => 'direct' })
    const agent = `https://${Array.from({ length: 4 }, () => 'a'.repeat(58)).join('.')}.example`
    const key = await generateSigningKey()
    publishAgent(made, agent, [{ kid: 'k1', key }])
    const sub = '"'.repeat(512)
    const signer: Signer = { ...(await delegate(made, sub, { claims: { iss: agent }, signer: key })), agent }
    const ask = async (length: number): Promise<Response> => {
      const claims = { scope: 'a'.repeat(length), txn: sub, jti: 'j' }
      return send(made, signer, { request_type: 'auth', resource_token: await resourceToken(made, signer, { claims }) })
    }
    expect(await refusalOf(await ask(1900))).toEqual(plain(400, 'invalid_request', 'token_too_large'))
    expect((await ask(1000)).status).toBe(200)
  },
)
