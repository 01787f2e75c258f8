import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import {
  agentTokenOf,
  enrollmentBody,
  newYear,
  post,
  renewal,
  rotation,
  type Scene,
  scene,
} from './delegate.test.fixture.js'

/** A scene with request ids, and a function that returns the events of one step. */
function watched(stage: Scene) {
  const handle: Scene['server']['handle'] = message => stage.server.handle({ ...message, requestId: 'proxy-id-12345' })
  const step = async <T>(act: () => Promise<T>): Promise<{ answer: T; events: unknown[] }> => {
    stage.events.length = 0
    const answer = await act()
    return { answer, events: [...stage.events] }
  }
  return { handle, step }
}

const day = 86_400
const of = { peer: '192.0.2.7', request_id: 'proxy-id-12345' }

test(
  verifies(
    'LOG-03',
    'each enrolment, renewal, rotation, alarm and refusal is one record, with the request it was about',
  ),
  async () => {
    const stage = await scene()
    const { handle, step } = watched(stage)
    const { code } = await stage.server.invite({ sub: 'phone', series: 'lab' })
    const key = await generateSigningKey()
    const jkt = await thumbprint(key.publicJwk)
    const first = await step(async () => handle(await post(stage, { key, body: enrollmentBody(code) })))
    expect(first.events).toEqual([{ type: 'enrolled', sub: 'phone', enrollment: 'code:lab', jkt, ...of }])
    const phone = { sub: 'phone', key, agentToken: agentTokenOf(await first.answer.json()) }

    const used = await step(async () =>
      handle(await post(stage, { key: await generateSigningKey(), body: enrollmentBody(code) })),
    )
    expect(used.events).toEqual([
      expect.objectContaining({
        type: 'refused',
        code: 'invalid_grant',
        reason: 'enrolment_code_invalid',
        status: 400,
        ...of,
      }),
    ])
    expect(used.events[0]).not.toHaveProperty('sub')
    expect((await step(async () => handle(await renewal(stage, phone)))).events).toEqual([
      { type: 'renewed', sub: 'phone', jkt, ...of },
    ])
    const bad = await step(async () => handle(await renewal(stage, { ...phone, body: '{}' })))
    expect(bad.events).toEqual([
      expect.objectContaining({
        type: 'refused',
        code: 'invalid_request',
        reason: 'enrolment_malformed',
        sub: 'phone',
        ...of,
      }),
    ])

    const next = await generateSigningKey()
    const rotated = await step(async () => handle(await rotation(stage, phone, next)))
    const nextJkt = await thumbprint(next.publicJwk)
    expect(rotated.events).toEqual([{ type: 'rotated', sub: 'phone', jkt: nextJkt, previous_jkt: jkt, ...of }])
    // Two events: the replaced key is still in use, and this request is refused.
    expect((await step(async () => handle(await renewal(stage, phone)))).events).toEqual([
      { type: 'alarm', reason: 'replaced-key', sub: 'phone', jkt, ...of },
      expect.objectContaining({
        type: 'refused',
        code: 'invalid_agent_token',
        reason: 'delegate_key_not_current',
        sub: 'phone',
        ...of,
      }),
    ])
    const forged = await step(async () => handle(await renewal(stage, { ...phone, key: next })))
    expect(forged.events).toEqual([expect.objectContaining({ type: 'refused', status: 401, ...of })])
    expect(forged.events[0]).not.toHaveProperty('sub')
  },
)

test(
  verifies('LOG-03', 'each act of the operator is one record, and an act that changes nothing is none'),
  async () => {
    const stage = await scene()
    const { step } = watched(stage)
    const { server } = stage
    const invited = await step(() => server.invite({ sub: 'phone', series: 'lab' }))
    expect(invited.events).toEqual([{ type: 'invited', sub: 'phone', enrollment: 'code:lab' }])
    const key = await generateSigningKey()
    await server.handle(await post(stage, { key, body: enrollmentBody(invited.answer.code) }))
    expect((await step(() => server.revoke('phone'))).events).toEqual([{ type: 'revoked', sub: 'phone' }])
    expect((await step(() => server.revoke('nobody'))).events).toEqual([])
    expect((await step(() => server.reinstate('phone'))).events).toEqual([{ type: 'reinstated', sub: 'phone' }])
    expect((await step(() => server.reinstate('phone'))).events).toEqual([])
    expect((await step(() => server.revokeEnrollment('code:lab'))).events).toEqual([
      { type: 'enrollment_revoked', enrollment: 'code:lab', delegates: 1 },
    ])
    expect((await step(() => server.forget(31 * day))).events).toEqual([{ type: 'forgotten', delegates: 0 }])
  },
)

test(
  verifies('LOG-03', 'an own key of the server is one record when it is made and one when it is retired'),
  async () => {
    const stage = await scene({ keys: { rotateEvery: 7 * day } })
    const { handle, step } = watched(stage)
    const read = () => handle({ method: 'GET', target: '/.well-known/jwks.json', headers: [['host', 'agent.example']] })
    const [{ kid }] = [Object(stage.events[0])]
    expect(stage.events).toEqual([{ type: 'key_made', kid, published: newYear, signs: newYear }])
    expect((await step(read)).events).toEqual([])
    stage.clock.now = newYear + 7 * day - 900
    expect((await step(read)).events).toEqual([
      { type: 'key_made', kid: expect.any(String), published: newYear + 7 * day - 900, signs: newYear + 7 * day },
    ])
    stage.clock.now = newYear + 8 * day + 600
    expect((await step(read)).events).toEqual([{ type: 'key_retired', kid }])
  },
)
