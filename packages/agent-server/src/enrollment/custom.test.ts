import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { newYear, post, scene } from '../delegate.test.fixture.js'
import { codes, custom, type EnrollmentRequest } from '../index.js'

const enrolled = { status: 200, error: undefined, agentAuth: null }
const body = (members: object) => JSON.stringify({ enrollment: { type: 'tpm', ...members } })

async function stageOf(decide: Parameters<typeof custom>[1]) {
  const stage = await scene({ enrollment: [codes(), custom('tpm', decide)] })
  const ask = async (members: object, key?: Awaited<ReturnType<typeof generateSigningKey>>) =>
    refusalOf(
      await stage.server.handle(await post(stage, { key: key ?? (await generateSigningKey()), body: body(members) })),
    )
  return { ...stage, ask }
}

test(
  verifies('delegate.enrol.unknown', 'a custom function decides about its own type, within names of that type'),
  async () => {
    const requests: EnrollmentRequest[] = []
    const stage = await stageOf(request => {
      requests.push(request)
      if (request.members['quote'] === 'late')
        throw new AAuthError('policy_denied', 'not today', { reason: 'policy_refused' })
      return request.members['quote'] === 'good' ? { sub: 'board-7', enrollment: 'plant' } : undefined
    })
    const key = await generateSigningKey()
    expect(await stage.ask({ quote: 'bad' })).toEqual({
      status: 400,
      error: 'invalid_grant',
      reason: 'enrolment_refused',
      agentAuth: null,
    })
    expect(await stage.ask({ quote: 'late' })).toEqual({
      status: 403,
      error: 'policy_denied',
      reason: 'policy_refused',
      agentAuth: null,
    })
    expect(await stage.ask({ type: 'tpm2', quote: 'good' })).toEqual({
      status: 400,
      error: 'invalid_request',
      reason: 'enrolment_unsupported',
      agentAuth: null,
    })
    expect(await stage.ask({ quote: 'good' }, key)).toEqual(enrolled)
    expect((await stage.server.list()).map(({ sub, enrollment }) => [sub, enrollment])).toEqual([
      ['tpm:board-7', 'tpm:plant'],
    ])
    expect(requests.at(-1)).toMatchObject({
      members: { type: 'tpm', quote: 'good' },
      jkt: await thumbprint(key.publicJwk),
      endpoint: 'https://agent.example/delegate/token',
    })
  },
)

test('a proof that may be used once is refused when it was used, or has expired', async () => {
  const stage = await stageOf(({ members }) => ({
    sub: String(members['as']),
    enrollment: 'plant',
    once: { id: 'quote-1', expires: newYear + Number(members['until'] ?? 60) },
  }))
  expect(await stage.ask({ as: 'a' })).toEqual(enrolled)
  expect(await stage.ask({ as: 'b' })).toMatchObject({ status: 400, error: 'invalid_grant', reason: 'enrolment_used' })
  stage.clock.now += 61
  expect(await stage.ask({ as: 'b' })).toMatchObject({
    status: 400,
    error: 'invalid_grant',
    reason: 'enrolment_expired',
  })
  // The same id with a later end is another proof.
  expect(await stage.ask({ as: 'b', until: 120 })).toEqual(enrolled)
  expect(await stage.ask({ as: 'b', until: 120 })).toMatchObject({
    status: 400,
    error: 'invalid_grant',
    reason: 'enrolment_used',
  })
})

test('an expired proof is refused, and no proof may be remembered for ever', async () => {
  const ending = async (expires: number) => {
    const once = { id: 'quote-1', expires }
    return (await stageOf(() => ({ sub: 'a', enrollment: 'plant', once }))).ask({})
  }
  expect(await ending(newYear)).toMatchObject({ status: 400, error: 'invalid_grant', reason: 'enrolment_expired' })
  expect(await ending(newYear + 1)).toEqual(enrolled)
  for (const expires of [(newYear + 60) * 1000, Number.NaN, Number.POSITIVE_INFINITY])
    expect(await ending(expires)).toMatchObject({ status: 500, error: 'server_error' })
})

test('a built-in or malformed type, a type given twice, and names that no token could carry are refused', async () => {
  const decide = () => ({ sub: '', enrollment: 'plant' })
  for (const type of ['', 'code', 'oidc', 'session', 'a:b', 'A', '1', 'a'.repeat(33)])
    expect(() => custom(type, decide), type).toThrow(TypeError)
  await expect(scene({ enrollment: [custom('a', decide), custom('a', decide)] })).rejects.toThrow(TypeError)
  expect(await (await stageOf(decide)).ask({})).toMatchObject({ status: 500, error: 'server_error' })
})
