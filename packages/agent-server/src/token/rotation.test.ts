import { generateSigningKey, type SigningKey, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { part } from '@countersign/testing/json-web-token'
import { refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import {
  agentTokenOf,
  type Enrolled,
  enrolled,
  enrollmentBody,
  newYear,
  post,
  type RotationChanges,
  renewal,
  rotation,
  rotationBody,
  type Scene,
  scene,
} from '../delegate.test.fixture.js'

const replaced = { status: 401, error: 'invalid_agent_token', reason: 'delegate_key_not_current', agentAuth: 'httpsig' }
const malformed = { status: 400, error: 'invalid_request', agentAuth: null }

/** Rotates the key, and returns the delegate with the new one. */
async function rotated(stage: Scene, delegate: Enrolled, to: SigningKey): Promise<Enrolled> {
  const response = await stage.server.handle(await rotation(stage, delegate, to))
  const answer: unknown = await response.json()
  if (response.status !== 200) throw new Error('the rotation that a test starts from was refused', { cause: answer })
  return { sub: delegate.sub, key: to, agentToken: agentTokenOf(answer) }
}

const alarms = ({ events }: Scene): unknown[] => events.filter(event => event.type === 'alarm')

test(
  verifies('delegate.rotate', 'delegate.answer', 'AGT-12', 'the new key takes over, under the same sub'),
  async () => {
    const stage = await scene()
    const delegate = await enrolled(stage, 'phone')
    const next = await generateSigningKey('ES256')
    stage.clock.now += 100
    const response = await stage.server.handle(await rotation(stage, delegate, next))
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const answer: unknown = await response.json()
    expect(answer).toEqual({ agent_token: expect.any(String), expires_in: 3600 })
    const agentToken = agentTokenOf(answer)
    expect(part(agentToken, 1)).toMatchObject({
      sub: 'phone',
      cnf: { jwk: next.publicJwk },
      iat: newYear + 100,
      exp: newYear + 3700,
    })
    expect((await stage.server.handle(await renewal(stage, { key: next, agentToken }))).status).toBe(200)
    const [old, jkt] = [await thumbprint(delegate.key.publicJwk), await thumbprint(next.publicJwk)]
    expect(await stage.server.list()).toMatchObject([{ sub: 'phone', jkt, created: newYear, last_seen: newYear + 100 }])
    expect(stage.events.slice(2)).toEqual([
      { type: 'rotated', sub: 'phone', jkt, previous_jkt: old, peer: '192.0.2.7' },
      { type: 'renewed', sub: 'phone', jkt, peer: '192.0.2.7' },
    ])
  },
)

test(
  verifies(
    'delegate.rotate',
    'delegate.renew.grace',
    'an expired token can rotate its key for as long as it can be renewed',
  ),
  async () => {
    const stage = await scene()
    const [one, two] = [await enrolled(stage), await enrolled(stage)]
    stage.clock.now += 3600 + 30 * 86_400 - 1
    expect((await stage.server.handle(await rotation(stage, one, await generateSigningKey()))).status).toBe(200)
    stage.clock.now += 1
    expect(
      await refusalOf(await stage.server.handle(await rotation(stage, two, await generateSigningKey()))),
    ).toMatchObject({
      status: 401,
      error: 'invalid_agent_token',
      agentAuth: 'httpsig',
    })
  },
)

const stranger = await generateSigningKey()
test.each<readonly [string, RotationChanges]>([
  ['for another endpoint', { claims: { aud: 'https://evil.example/delegate/token' } }],
  ['for the identifier', { claims: { aud: 'https://agent.example' } }],
  ['for another delegate', { claims: { sub: 'laptop' } }],
  ['after another key', { claims: { jkt: 'A'.repeat(43) } }],
  ['too old', { claims: { iat: newYear - 61 } }],
  ['too new', { claims: { iat: newYear + 61 } }],
  ['by a key that is not jwk', { prover: stranger }],
])(verifies('delegate.rotate', 'a proof %s changes nothing'), async (_, changes) => {
  const stage = await scene()
  const delegate = await enrolled(stage, 'phone')
  const next = await generateSigningKey()
  expect(await refusalOf(await stage.server.handle(await rotation(stage, delegate, next, changes)))).toMatchObject(
    malformed,
  )
  expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(200)
  expect((await stage.server.handle(await rotation(stage, delegate, next))).status).toBe(200)
  expect(alarms(stage)).toEqual([])
})

test(verifies('delegate.rotate', 'KEY-14', 'delegate.json', 'a malformed rotation changes nothing'), async () => {
  const stage = await scene()
  const delegate = await enrolled(stage)
  const next = await generateSigningKey()
  const good = await rotationBody(stage, delegate, next)
  const { proof } = JSON.parse(good)
  const attempts: ReadonlyArray<readonly [body: unknown, status: number, error: string]> = [
    [{ proof }, 400, 'invalid_request'],
    [{ jwk: next.publicJwk }, 400, 'invalid_request'],
    [{ jwk: next.publicJwk, proof: [proof] }, 400, 'invalid_request'],
    [{ jwk: next.publicJwk, proof: 'x' }, 400, 'invalid_request'],
    [[good], 400, 'invalid_request'],
    [{ jwk: { ...next.publicJwk, d: 'A'.repeat(43) }, proof }, 401, 'unsupported_algorithm'],
    [{ jwk: { ...next.publicJwk, alg: undefined }, proof }, 401, 'unsupported_algorithm'],
    [{ jwk: null, proof }, 401, 'unsupported_algorithm'],
  ]
  for (const [body, status, error] of attempts) {
    const response = await stage.server.handle(await renewal(stage, { ...delegate, body: JSON.stringify(body) }))
    expect(await refusalOf(response), JSON.stringify(body)).toMatchObject({ status, error })
  }
  const signatureKey = { scheme: 'jwt', jwt: delegate.agentToken } as const
  for (const contentType of ['text/plain', 'application/x-www-form-urlencoded']) {
    const message = await post(stage, { key: delegate.key, signatureKey, body: good, contentType })
    expect((await stage.server.handle(message)).status).toBe(415)
  }
  expect((await stage.server.handle(await renewal(stage, { ...delegate, body: good }))).status).toBe(200)
})

test(verifies('delegate.rotate', 'a stolen token cannot rotate under another key'), async () => {
  const stage = await scene()
  const delegate = await enrolled(stage)
  const thief = await generateSigningKey()
  const message = await rotation(stage, { ...delegate, key: thief }, await generateSigningKey())
  expect(await refusalOf(await stage.server.handle(message))).toMatchObject({ status: 401, error: 'invalid_signature' })
  expect((await stage.server.handle(await rotation(stage, delegate, await generateSigningKey()))).status).toBe(200)
})

test(verifies('delegate.rotate', 'a key that is or was the key of a delegate is refused'), async () => {
  const stage = await scene()
  const first = await enrolled(stage, 'phone')
  const other = await enrolled(stage, 'laptop')
  const gone = await enrolled(stage, 'gone')
  const keyUsed = { ...malformed, reason: 'delegate_key_used' }
  await stage.server.revoke('gone')
  const second = await rotated(stage, first, await generateSigningKey())
  for (const key of [second.key, first.key, other.key, gone.key]) {
    expect(await refusalOf(await stage.server.handle(await rotation(stage, second, key)))).toEqual(keyUsed)
    expect(await refusalOf(await stage.server.handle(await rotation(stage, other, key)))).toEqual(keyUsed)
  }
  expect(alarms(stage)).toEqual([])
  await rotated(stage, second, await generateSigningKey())
  await rotated(stage, other, await generateSigningKey())
})

test(
  verifies(
    'delegate.rotate',
    'token.issuer-limits',
    'a rotation for which no token can be made leaves the old key valid',
  ),
  async () => {
    // A token for an Ed25519 key just fits, one for a P-384 key does not.
    const stage = await scene({ audience: `https://${'x'.repeat(4160)}` })
    const delegate = await enrolled(stage, 'phone')
    const message = await rotation(stage, delegate, await generateSigningKey('ES384'))
    expect(await refusalOf(await stage.server.handle(message))).toMatchObject({ status: 500, error: 'server_error' })
    expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(200)
    await rotated(stage, delegate, await generateSigningKey())
  },
)

test(
  verifies('delegate.rotate.repeat', 'the old key may repeat its rotation, with the same proof or a new one'),
  async () => {
    const stage = await scene()
    const delegate = await enrolled(stage, 'phone')
    const next = await generateSigningKey()
    const body = await rotationBody(stage, delegate, next)
    expect((await stage.server.handle(await renewal(stage, { ...delegate, body }))).status).toBe(200)
    stage.clock.now += 60
    for (const again of [body, await rotationBody(stage, delegate, next)]) {
      const response = await stage.server.handle(await renewal(stage, { ...delegate, body: again }))
      expect(response.status).toBe(200)
      const agentToken = agentTokenOf(await response.json())
      expect(part(agentToken, 1)).toMatchObject({ sub: 'phone', cnf: { jwk: next.publicJwk } })
      expect((await stage.server.handle(await renewal(stage, { key: next, agentToken }))).status).toBe(200)
    }
    expect(alarms(stage)).toEqual([])
    stage.clock.now += 1
    const late = await rotation(stage, delegate, next)
    expect(await refusalOf(await stage.server.handle(late))).toEqual(replaced)
    expect(alarms(stage)).toHaveLength(1)
  },
)

test(verifies('delegate.rotate.repeat', 'NON-01', 'one signed request is answered once'), async () => {
  const stage = await scene()
  const delegate = await enrolled(stage)
  const message = await rotation(stage, delegate, await generateSigningKey())
  expect((await stage.server.handle(message)).status).toBe(200)
  expect(await refusalOf(await stage.server.handle(message))).toMatchObject({ status: 401, error: 'replay_detected' })
})

test(verifies('delegate.rotate', 'a proof rotates once, also when its old key is current again'), async () => {
  const stage = await scene()
  const delegate = await enrolled(stage, 'phone')
  const next = await generateSigningKey()
  const body = await rotationBody(stage, delegate, next)
  expect((await stage.server.handle(await renewal(stage, { ...delegate, body }))).status).toBe(200)
  // Only the last replaced key is remembered: after two more enrolments the first may enrol again.
  for (const key of [await generateSigningKey(), await generateSigningKey(), delegate.key]) {
    const { code } = await stage.server.invite({ sub: 'phone' })
    expect((await stage.server.handle(await post(stage, { key, body: enrollmentBody(code) }))).status).toBe(200)
  }
  expect(await refusalOf(await stage.server.handle(await renewal(stage, { ...delegate, body })))).toEqual({
    ...malformed,
    reason: 'proof_used',
  })
  expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(200)
  await rotated(stage, delegate, next)
})

test(verifies('delegate.rotate.alarm', 'any other request by the replaced key is refused and an alarm'), async () => {
  const stage = await scene()
  const old = await enrolled(stage, 'phone')
  const next = await generateSigningKey()
  const successor = await rotated(stage, old, next)
  const attempts = [
    () => renewal(stage, old),
    async () => rotation(stage, old, await generateSigningKey()),
    () => rotation(stage, old, next, { claims: { iat: newYear - 61 } }),
    () => rotation(stage, old, next, { prover: stranger }),
    () => renewal(stage, { ...old, body: '{"jwk":{}}' }),
    () => renewal(stage, { ...old, body: 'x' }),
  ]
  const jkt = await thumbprint(old.key.publicJwk)
  const expected: unknown[] = []
  for (const attempt of attempts) {
    expect(await refusalOf(await stage.server.handle(await attempt()))).toEqual(replaced)
    expected.push({ type: 'alarm', reason: 'replaced-key', sub: 'phone', jkt, peer: '192.0.2.7' })
    expect(alarms(stage)).toEqual(expected)
  }
  expect((await stage.server.handle(await rotation(stage, old, next))).status).toBe(200)
  const third = await rotated(stage, successor, await generateSigningKey())
  for (const key of [old, successor]) {
    expect(await refusalOf(await stage.server.handle(await renewal(stage, key)))).toEqual(replaced)
    expect(alarms(stage).at(-1)).toMatchObject({ jkt: await thumbprint(key.key.publicJwk) })
  }
  // Its key was replaced twice since: it may not repeat its rotation.
  expect(await refusalOf(await stage.server.handle(await rotation(stage, old, next)))).toEqual(replaced)
  expect(alarms(stage)).toHaveLength(9)
  expect((await stage.server.handle(await renewal(stage, third))).status).toBe(200)
})

test(
  verifies(
    'delegate.rotate.alarm',
    'a request by a key that an enrolment replaced is an alarm; by the key of a revoked delegate it is not',
  ),
  async () => {
    const stage = await scene()
    const lost = await enrolled(stage, 'phone')
    const next = await generateSigningKey()
    await rotated(stage, lost, next)
    const found = await enrolled(stage, 'phone')
    // An enrolment ends the repeat of an earlier rotation: the two may be by different holders.
    expect(await refusalOf(await stage.server.handle(await rotation(stage, lost, next)))).toEqual(replaced)
    expect(alarms(stage)).toHaveLength(1)
    await stage.server.revoke('phone')
    for (const delegate of [lost, found])
      expect(await refusalOf(await stage.server.handle(await renewal(stage, delegate)))).toEqual(replaced)
    expect(await refusalOf(await stage.server.handle(await rotation(stage, found, next)))).toEqual(replaced)
    expect(alarms(stage)).toHaveLength(1)
  },
)
