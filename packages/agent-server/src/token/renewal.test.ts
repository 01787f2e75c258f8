import {
  generateSigningKey,
  memoryReplaySet,
  type ReceivedMessage,
  type ReplaySet,
  type SigningKey,
} from '@countersign/httpsig'
import { signToken } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { part } from '@countersign/testing/json-web-token'
import { refusalOf } from '@countersign/testing/responses'
import { answeredByHead } from '@countersign/testing/unread-body'
import { expect, test } from 'vitest'
import {
  agentTokenOf,
  type Enrolled,
  enrolled,
  enrollmentBody,
  newYear,
  post,
  renewal,
  type Scene,
  scene,
} from '../delegate.test.fixture.js'

const day = 86_400

test(
  verifies('delegate.renew', 'delegate.answer', 'an empty body under the current token gives a new one'),
  async () => {
    const stage = await scene()
    const delegate = await enrolled(stage, 'phone')
    stage.clock.now += 3000
    const response = await stage.server.handle(await renewal(stage, delegate))
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const renewed = agentTokenOf(await response.json())
    expect(part(renewed, 1)).toMatchObject({
      sub: 'phone',
      cnf: { jwk: delegate.key.publicJwk },
      iat: newYear + 3000,
      exp: newYear + 6600,
    })
    expect(part(renewed, 1)['jti']).not.toBe(part(delegate.agentToken, 1)['jti'])
    expect(await stage.server.list()).toMatchObject([{ sub: 'phone', created: newYear, last_seen: newYear + 3000 }])
  },
)

test.each([
  [3600, 200],
  [3600 + 30 * day - 1, 200],
  [3600 + 30 * day, 401],
])(
  verifies('delegate.renew.grace', 'an agent token renews itself %i seconds after issue: %i'),
  async (seconds, status) => {
    const stage = await scene()
    const delegate = await enrolled(stage)
    stage.clock.now += seconds
    const response = await stage.server.handle(await renewal(stage, delegate))
    expect(response.status).toBe(status)
    if (status === 401)
      expect(await refusalOf(response)).toMatchObject({ error: 'invalid_agent_token', agentAuth: 'httpsig' })
  },
)

test(
  verifies(
    'sig.body.head-first',
    'DIG-21',
    'a request that cannot renew is refused before its body is read; others wait for the body',
  ),
  async () => {
    const stage = await scene()
    const delegate = await enrolled(stage)
    const byHead = async (message: ReceivedMessage): Promise<object | string> => {
      const answer = await answeredByHead(message, stage.server.handle)
      return answer === 'waits' ? answer : refusalOf(answer)
    }
    const renewing = async (): Promise<ReceivedMessage> => ({
      ...(await post(stage, {
        key: delegate.key,
        signatureKey: { scheme: 'jwt', jwt: delegate.agentToken },
        body: '{}',
      })),
    })
    // Long after its token has expired, but within the grace of a renewal.
    stage.clock.now += 3600 + 30 * day - 1
    expect(await byHead(await renewing())).toBe('waits')
    stage.clock.now += 1
    const late = await renewing()
    expect(await byHead(late)).toEqual(await refusalOf(await stage.server.handle(late)))
    expect(await byHead(late)).toMatchObject({ error: 'invalid_agent_token' })
  },
)

test(verifies('delegate.renew.current-key', 'a replaced key cannot renew, and the new one can'), async () => {
  const stage = await scene()
  const lost = await enrolled(stage, 'phone')
  const found = await enrolled(stage, 'phone')
  expect(await refusalOf(await stage.server.handle(await renewal(stage, lost)))).toEqual({
    status: 401,
    error: 'invalid_agent_token',
    reason: 'delegate_key_not_current',
    agentAuth: 'httpsig',
  })
  expect((await stage.server.handle(await renewal(stage, found))).status).toBe(200)
})

test(
  verifies('delegate.renew.current-key', 'a revoked delegate cannot renew, and its unused codes are deleted'),
  async () => {
    const stage = await scene()
    const revoked = await enrolled(stage, 'phone')
    const other = await enrolled(stage, 'laptop')
    const { code } = await stage.server.invite({ sub: 'phone' })
    expect(await stage.server.revoke('phone')).toBe(true)
    expect(await stage.server.revoke('phone')).toBe(false)
    expect(await stage.server.revoke('nobody')).toBe(false)
    expect((await stage.server.handle(await renewal(stage, revoked))).status).toBe(401)
    const again = await post(stage, { key: await generateSigningKey(), body: enrollmentBody(code) })
    expect(await refusalOf(await stage.server.handle(again))).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(await stage.server.list()).toMatchObject([{ sub: 'laptop' }, { sub: 'phone', revoked: newYear }])
    expect((await stage.server.handle(await renewal(stage, other))).status).toBe(200)
    const back = await enrolled(stage, 'phone')
    expect((await stage.server.handle(await renewal(stage, back))).status).toBe(200)
  },
)

test(verifies('error.invalid-request', 'a renewal with a body is told which bodies there are'), async () => {
  const stage = await scene()
  const delegate = await enrolled(stage)
  const response = await stage.server.handle(await renewal(stage, { ...delegate, body: '{"jwk":{}}' }))
  expect(response.status).toBe(400)
  expect(await response.json()).toEqual({
    error: 'invalid_request',
    reason: 'enrolment_malformed',
    error_description:
      'The body is not an enrolment, a renewal or a rotation: it must be empty or {"aud":"…"} to renew, {"jwk":{…},"proof":"…"} to rotate the key',
  })
  expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(200)
})

test(
  verifies(
    'sig.replay.bounded',
    'sig.replay.not-processed',
    'no delegate, revoked or not, can fill the replay set of the others',
  ),
  async () => {
    const stage = await scene({ replay: memoryReplaySet({ now: () => newYear, share: 5, capacity: 20 }) })
    const revoked = await enrolled(stage, 'revoked')
    const busy = await enrolled(stage, 'busy')
    const other = await enrolled(stage, 'other')
    await stage.server.revoke('revoked')
    const statuses = async (delegate: Enrolled, times: number): Promise<number[]> => {
      const all: number[] = []
      for (let index = 0; index < times; index++)
        all.push((await stage.server.handle(await renewal(stage, delegate))).status)
      return all
    }
    expect(new Set(await statuses(revoked, 30))).toEqual(new Set([401]))
    expect(await statuses(busy, 5)).toEqual([200, 200, 200, 200, 200])
    const full = await stage.server.handle(await renewal(stage, busy))
    expect(await refusalOf(full)).toMatchObject({ status: 503, error: 'temporarily_unavailable', agentAuth: 'httpsig' })
    expect(await statuses(other, 1)).toEqual([200])
  },
)

test(
  verifies('DOS-19', 'sig.replay.after-checks', 'requests that are refused for their form do not enter the replay set'),
  async () => {
    let remembered = 0
    const inner = memoryReplaySet({ now: () => newYear })
    const replay: ReplaySet = {
      check: async entry => {
        remembered++
        return inner.check(entry)
      },
    }
    const stage = await scene({ replay })
    const delegate = await enrolled(stage, 'phone')
    const before = remembered
    const forms: ReadonlyArray<readonly [string, number]> = [
      ['{', 400] as const,
      ['[]', 400] as const,
      ['{"jwk":{}}', 400] as const,
      // The refusal of a key without algorithm lists the algorithms.
      ['{"jwk":{},"proof":"x"}', 401] as const,
      ['{"enrollment":{"type":"moon"}}', 400] as const,
    ]
    for (const [body, status] of forms) {
      const response = await stage.server.handle(await renewal(stage, { ...delegate, body }))
      expect(response.status, body).toBe(status)
    }
    expect(remembered).toBe(before)
    expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(200)
    expect(remembered).toBe(before + 1)
  },
)

test(verifies('NON-01', 'a renewal sent twice is answered once, then refused as a replay'), async () => {
  const stage = await scene()
  const request = await renewal(stage, await enrolled(stage))
  expect((await stage.server.handle(request)).status).toBe(200)
  expect(await refusalOf(await stage.server.handle(request))).toMatchObject({
    status: 401,
    error: 'replay_detected',
    agentAuth: null,
  })
})

interface Forgery {
  readonly iss?: string
  readonly signer?: SigningKey
  readonly kid?: string
  readonly aud?: string
}

/** The delegate's token with one change. */
function forged(stage: Scene, delegate: Enrolled, { iss, signer, kid = 'k1', aud }: Forgery): Promise<string> {
  const [own] = stage.keys
  if (own === undefined) throw new Error('no key')
  return signToken({
    typ: 'agent+jwt',
    key: signer ?? own.key,
    kid,
    claims: {
      iss: iss ?? 'https://agent.example',
      sub: delegate.sub,
      cnf: { jwk: delegate.key.publicJwk },
      iat: newYear,
      exp: newYear + 3600,
      jti: 'forged',
      ...(aud === undefined ? {} : { aud }),
    },
  })
}

test(
  verifies('AGT-01', 'AGT-02', 'AGT-05', 'AGT-08', 'only tokens that the agent server itself signed are accepted'),
  async () => {
    const stage = await scene()
    const delegate = await enrolled(stage)
    const stranger = await generateSigningKey()
    const attempts: Forgery[] = [
      { signer: delegate.key },
      { signer: stranger },
      { signer: stranger, kid: 'k2' },
      { iss: 'https://other.example', signer: stranger },
      { aud: 'https://api.example' },
      { aud: 'https://agent.example/' },
    ]
    for (const attempt of attempts) {
      const agentToken = await forged(stage, delegate, attempt)
      const response = await stage.server.handle(await renewal(stage, { key: delegate.key, agentToken }))
      expect(await refusalOf(response), JSON.stringify(attempt)).toMatchObject({
        status: 401,
        error: 'invalid_agent_token',
        agentAuth: 'httpsig',
      })
    }
    const twin = await forged(stage, delegate, { aud: 'https://agent.example' })
    expect((await stage.server.handle(await renewal(stage, { key: delegate.key, agentToken: twin }))).status).toBe(200)
  },
)

test(verifies('AGT-06', 'token.binding', 'a stolen agent token cannot be renewed under another key'), async () => {
  const stage = await scene()
  const delegate = await enrolled(stage)
  const thief = await generateSigningKey()
  const response = await stage.server.handle(await renewal(stage, { ...delegate, key: thief }))
  expect(await refusalOf(response)).toMatchObject({ status: 401, error: 'invalid_signature', agentAuth: 'httpsig' })
  expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(200)
})

test(
  verifies('token.agent.aud', 'tokens with an audience name the agent server, too, so that they can be renewed'),
  async () => {
    const stage = await scene({ audience: 'https://api.example', tokenLifetime: 60 })
    const delegate = await enrolled(stage)
    expect(part(delegate.agentToken, 1)).toMatchObject({
      aud: ['https://api.example', 'https://agent.example'],
      exp: newYear + 60,
    })
    expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(200)
  },
)

test(verifies('error.unavailable', 'without its database the server answers 503 and is not ready'), async () => {
  const stage = await scene()
  const delegate = await enrolled(stage)
  await expect(stage.server.ready()).resolves.toBeUndefined()
  await stage.server.close()
  const response = await stage.server.handle(await renewal(stage, delegate))
  expect(response.headers.get('retry-after')).toBe('5')
  expect(await refusalOf(response)).toMatchObject({ status: 503, error: 'temporarily_unavailable', agentAuth: null })
  await expect(stage.server.ready()).rejects.toThrow()
})

test('names that no token could carry are refused by `invite`', async () => {
  const { server } = await scene()
  for (const sub of ['', ' ', 'a\nb', 'a\u202eb', 'x'.repeat(513)])
    await expect(server.invite({ sub })).rejects.toThrow(TypeError)
  for (const expiresIn of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    await expect(server.invite({ expiresIn })).rejects.toThrow(RangeError)
  await expect(server.invite({ sub: 'x'.repeat(512) })).resolves.toMatchObject({ sub: 'x'.repeat(512) })
})
