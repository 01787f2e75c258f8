import { generateSigningKey, type ReceivedMessage, type ReplayVerdict } from '@countersign/httpsig'
import { signJws } from '@countersign/protocol/internal'
import { verifies } from '@countersign/requirements'
import {
  agentServer,
  ask,
  delegate,
  granted,
  newYear,
  post,
  resourceToken,
  type Signer,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { challenge, plain, refusalOf } from '@countersign/testing/responses'
import { answeredByHead, unread } from '@countersign/testing/unread-body'
import { publishAgent } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

/** Every request type and the revocation endpoint, as `signer` would send them. */
async function everyEndpoint(made: World, signer: Signer): Promise<Array<[Record<string, string>, string]>> {
  return [
    [{ request_type: 'auth', resource_token: await resourceToken(made, signer) }, '/agent/token'],
    [{ request_type: 'refresh', refresh_token: 'A'.repeat(43) }, '/agent/token'],
    [{ request_type: 'code', code: 'x' }, '/agent/token'],
    [{ request_type: 'exchange', upstream_token: 'x' }, '/agent/token'],
    [{ token: 'A'.repeat(43) }, '/agent/revoke'],
  ]
}

test(
  verifies(
    'SCH-12',
    'SCH-11',
    'token-endpoint.identified',
    'error.insufficient-level',
    'a caller below the identified level is refused, and nothing is fetched',
  ),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const { auth_token } = await granted(await ask(made, phone))
    made.fetched.length = 0
    const key = await generateSigningKey()
    for (const [form, target] of await everyEndpoint(made, phone)) {
      const pseudonym = await post(made, { key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }, form, { target })
      const bearer = await post(made, { key: phone.key, signatureKey: { scheme: 'jwt', jwt: auth_token } }, form, {
        target,
      })
      const signed = await post(made, phone, form, { target })
      const unsigned = { ...signed, headers: signed.headers.filter(([name]) => !name.startsWith('signature')) }
      for (const message of [pseudonym, bearer, unsigned]) {
        expect(await refusalOf(await made.auth.handle(message))).toMatchObject(challenge('insufficient_level'))
      }
    }
    expect(made.fetched).toEqual([])
    expect(made.events.filter(event => 'agent' in event).map(event => event.type)).toEqual(['granted'])
    expect((await ask(made, phone)).status).toBe(200)
  },
)

test(
  verifies('token-endpoint.other-typ', 'sig.key.jwt-type', 'a JWT of another typ is no caller, and is named'),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const key = phone.key
    const idToken = await signJws({ typ: 'JWT' }, JSON.stringify({ iss: 'https://login.example', sub: 'ada' }), key)
    made.fetched.length = 0
    for (const [form, target] of await everyEndpoint(made, phone)) {
      const shown = await post(made, { key, signatureKey: { scheme: 'jwt', jwt: idToken } }, form, { target })
      expect(await refusalOf(await made.auth.handle(shown))).toMatchObject(challenge('unsupported_scheme'))
    }
    expect(made.fetched).toEqual([])
    expect((await ask(made, phone)).status).toBe(200)
  },
)

test(
  verifies(
    'sig.body.head-first',
    'DIG-21',
    'JWT-24',
    'a caller below the identified level is refused before its body is read',
  ),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const key = await generateSigningKey()
    const accessToken = `${Buffer.from('{"typ":"at+jwt","alg":"Ed25519","kid":"k1"}').toString('base64url')}.e30.AA`
    const flip = (message: ReceivedMessage): ReceivedMessage => ({
      ...message,
      headers: message.headers.map(([name, value]) => [
        name,
        name === 'signature' ? value.replace(/:(.)/, (_, one) => `:${one === 'A' ? 'B' : 'A'}`) : value,
      ]),
    })
    for (const [form, target] of await everyEndpoint(made, phone)) {
      const signed = await post(made, phone, form, { target })
      const bad = [
        await post(made, { key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }, form, { target }),
        await post(made, { key: phone.key, signatureKey: { scheme: 'jwt', jwt: accessToken } }, form, { target }),
        flip(signed),
      ]
      for (const [at, message] of bad.entries()) {
        const early = await answeredByHead(message, made.auth.handle)
        const late = await refusalOf(await made.auth.handle(message))
        expect(early === 'waits' ? early : await refusalOf(early)).toEqual(late)
        expect(late.error).toBe(['insufficient_level', 'unsupported_scheme', 'invalid_signature'][at])
      }
      expect(await answeredByHead(signed, made.auth.handle), 'a good head waits for its body').toBe('waits')
    }
    const good = await post(made, phone, { request_type: 'auth', resource_token: await resourceToken(made, phone) })
    expect((await made.auth.handle(unread(good))).status).toBe(200)
  },
)

test(
  verifies(
    'AGT-01',
    'AGT-02',
    'AGT-05',
    'AGT-08',
    'error.invalid-agent-token',
    'an agent token is accepted only from its agent server, for this receiver, while it is valid',
  ),
  async () => {
    const made = await world()
    const stranger = await generateSigningKey()
    const phone = await delegate(made, 'phone')
    const attempts = [
      await delegate(made, 'phone', { signer: stranger }),
      await delegate(made, 'phone', { signer: phone.key }),
      await delegate(made, 'phone', { signer: made.resourceKey.key, kid: 'r1' }),
      await delegate(made, 'phone', { claims: { aud: 'https://calendar.example' } }),
      await delegate(made, 'phone', { claims: { aud: 'https://auth.example/' } }),
      await delegate(made, 'phone', { claims: { iat: newYear - 3600, exp: newYear } }),
    ]
    for (const signer of attempts) {
      expect(await refusalOf(await ask(made, signer))).toMatchObject(challenge('invalid_agent_token'))
    }
    const named = await delegate(made, 'phone', {
      claims: { aud: ['https://calendar.example', 'https://auth.example'] },
    })
    expect((await ask(made, named)).status).toBe(200)
  },
)

test(
  verifies(
    'AGT-03',
    'error.discovery-failed',
    'an agent without metadata is refused, an unreachable one is asked to wait',
  ),
  async () => {
    const made = await world()
    const nobody = await delegate(made, 'phone', { claims: { iss: 'https://nobody.example' } })
    expect(await refusalOf(await ask(made, nobody))).toMatchObject(challenge('discovery_failed'))
    made.web.set(
      'https://liar.example/.well-known/aauth-agent',
      made.web.get('https://agent.example/.well-known/aauth-agent'),
    )
    const liar = await delegate(made, 'phone', { claims: { iss: 'https://liar.example' } })
    expect(await refusalOf(await ask(made, liar))).toEqual({
      ...challenge('discovery_failed'),
      reason: 'document_of_another',
    })
    made.down.add('https://away.example')
    const away = await delegate(made, 'phone', { claims: { iss: 'https://away.example' } })
    expect(await refusalOf(await ask(made, away))).toEqual({
      ...plain(503, 'discovery_failed'),
      reason: 'participant_unreachable',
    })
    publishAgent(made, 'https://new.example', [made.agentKey])
    const known = await delegate(made, 'phone', { claims: { iss: 'https://new.example' } })
    const resource_token = await resourceToken(made, { ...known, agent: 'https://new.example' })
    const response = await send(made, known, { request_type: 'auth', resource_token })
    expect(await refusalOf(response)).toEqual(plain(403, 'access_denied', 'policy_refused'))
  },
)

test(verifies('AGT-06', 'token.binding', 'a stolen agent token is refused under another key'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const thief = { ...phone, key: await generateSigningKey() }
  expect(await refusalOf(await ask(made, thief))).toMatchObject(challenge('invalid_signature'))
  expect((await ask(made, phone)).status).toBe(200)
})

test(verifies('AGT-13', 'delegates of two agents with one name are two principals'), async () => {
  const made = await world()
  publishAgent(made, 'https://other.example', [made.agentKey])
  const ours = await delegate(made, 'phone')
  const theirs = {
    ...(await delegate(made, 'phone', { claims: { iss: 'https://other.example' } })),
    agent: 'https://other.example',
  }
  const { refresh_token } = await granted(await ask(made, ours))
  expect(await refusalOf(await ask(made, theirs))).toEqual(plain(403, 'access_denied', 'policy_refused'))
  const form = { request_type: 'refresh', refresh_token }
  expect(await refusalOf(await send(made, theirs, form))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
  expect((await send(made, ours, form)).status).toBe(200)
})

test(
  verifies('NON-01', 'NON-09', 'error.replay-detected', 'of fifty copies of one request exactly one is processed'),
  async () => {
    const made = await world()
    const phone = await delegate(made, 'phone')
    const form = { request_type: 'auth', resource_token: await resourceToken(made, phone) }
    const message = await post(made, phone, form)
    const responses = await Promise.all(Array.from({ length: 50 }, () => made.auth.handle(message)))
    expect(responses.map(response => response.status).sort()).toEqual([200, ...Array.from({ length: 49 }, () => 401)])
    expect(await refusalOf(await made.auth.handle(message))).toEqual({
      status: 401,
      error: 'replay_detected',
      reason: 'request_replayed',
      agentAuth: null,
    })
    expect(made.events.filter(event => event.type === 'granted')).toHaveLength(1)
    expect((await send(made, phone, form)).status).toBe(200)
  },
)

test(
  verifies(
    'sig.replay.not-processed',
    'a server that has just started, or cannot reach its replay set, answers that the request was not processed',
  ),
  async () => {
    for (const [reason, check] of [
      ['starting', async () => 'early' as const],
      ['capacity_exceeded', async () => 'full' as const],
      ['store_unavailable', async () => Promise.reject(new Error('connection refused'))],
    ] as const) {
      const replay = { check: async (): Promise<ReplayVerdict> => check() }
      const made = await world({ replay })
      const phone = await delegate(made, 'phone')
      const refused = await ask(made, phone)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await refusalOf(refused)).toEqual({
        status: 503,
        error: 'temporarily_unavailable',
        reason,
        agentAuth: 'httpsig',
      })
      expect(made.events.filter(event => event.type === 'granted')).toEqual([])
      replay.check = async () => 'fresh'
      await granted(await ask(made, phone))
    }
  },
)

test(verifies('error.invalid-signature', 'a body changed on the way is refused'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await ask(made, phone))
  const message = await post(made, phone, { request_type: 'refresh', refresh_token, scope: 'events.read' })
  const forged = { ...message, body: new TextEncoder().encode(`request_type=refresh&refresh_token=${refresh_token}`) }
  expect(await refusalOf(await made.auth.handle(forged))).toMatchObject(challenge('invalid_signature'))
  expect((await made.auth.handle(message)).status).toBe(200)
})

test(
  verifies(
    'COV-22',
    'sig.authority.configured',
    'a request signed for another authority is refused, whatever Host says',
  ),
  async () => {
    const made = await world()
    const self = agentServer(made)
    const form = { request_type: 'auth', resource_token: await resourceToken(made, self) }
    const elsewhere = await post(made, self, form, { origin: 'https://as.example' })
    expect(await refusalOf(await made.auth.handle(elsewhere))).toMatchObject(challenge('invalid_signature'))
    const here = await post(made, self, form)
    const headers = here.headers.map(([name, value]) => [name, name === 'host' ? 'as.example' : value] as const)
    expect((await made.auth.handle({ ...here, headers })).status).toBe(200)
  },
)
