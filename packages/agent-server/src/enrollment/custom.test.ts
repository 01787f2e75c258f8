import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { newYear, post, refusalOf, scene } from '../delegate.test.fixture.js'
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

test(verifies('delegate.enrol.unknown', 'a function of your own decides its type, within its own names'), async () => {
  const requests: EnrollmentRequest[] = []
  const stage = await stageOf(request => {
    requests.push(request)
    if (request.members['quote'] === 'late') throw new AAuthError('policy_denied', 'not today')
    return request.members['quote'] === 'good' ? { sub: 'board-7', enrollment: 'plant' } : undefined
  })
  const key = await generateSigningKey()
  expect(await stage.ask({ quote: 'bad' })).toEqual({ status: 400, error: 'invalid_grant', agentAuth: null })
  expect(await stage.ask({ quote: 'late' })).toEqual({ status: 403, error: 'policy_denied', agentAuth: null })
  expect(await stage.ask({ type: 'tpm2', quote: 'good' })).toEqual({
    status: 400,
    error: 'invalid_request',
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
})

test('what counts once counts once, and not at all once it has ended', async () => {
  const stage = await stageOf(({ members }) => ({
    sub: String(members['as']),
    enrollment: 'plant',
    once: { id: 'quote-1', expires: newYear + Number(members['until'] ?? 60) },
  }))
  expect(await stage.ask({ as: 'a' })).toEqual(enrolled)
  expect(await stage.ask({ as: 'b' })).toMatchObject({ status: 400, error: 'invalid_grant' })
  stage.clock.now += 61
  expect(await stage.ask({ as: 'b' })).toMatchObject({ status: 400, error: 'invalid_grant' })
  // What goes by the same name and ends later is another thing shown.
  expect(await stage.ask({ as: 'b', until: 120 })).toEqual(enrolled)
  expect(await stage.ask({ as: 'b', until: 120 })).toMatchObject({ status: 400, error: 'invalid_grant' })
})

test('what has ended by itself admits nobody, and nothing is remembered for ever', async () => {
  const ending = async (expires: number) => {
    const once = { id: 'quote-1', expires }
    return (await stageOf(() => ({ sub: 'a', enrollment: 'plant', once }))).ask({})
  }
  expect(await ending(newYear)).toMatchObject({ status: 400, error: 'invalid_grant' })
  expect(await ending(newYear + 1)).toEqual(enrolled)
  for (const expires of [(newYear + 60) * 1000, Number.NaN, Number.POSITIVE_INFINITY])
    expect(await ending(expires)).toMatchObject({ status: 500, error: 'server_error' })
})

test('a type of ours or of nobody, two of one type, and names that no token could carry are mistakes', async () => {
  const decide = () => ({ sub: '', enrollment: 'plant' })
  for (const type of ['', 'code', 'oidc', 'session', 'a:b', 'A', '1', 'a'.repeat(33)])
    expect(() => custom(type, decide), type).toThrow(TypeError)
  await expect(scene({ enrollment: [custom('a', decide), custom('a', decide)] })).rejects.toThrow(TypeError)
  expect(await (await stageOf(decide)).ask({})).toMatchObject({ status: 500, error: 'server_error' })
})
