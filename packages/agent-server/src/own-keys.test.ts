import { join } from 'node:path'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { temporaryFolder } from '@countersign/testing/folders'
import { part } from '@countersign/testing/json-web-token'
import { refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { createAgentServer } from './agent-server.js'
import { agentTokenOf, enrolled, kidsOf, newYear, renewal, type Scene, scene } from './delegate.test.fixture.js'
import { migrations, type Tables } from './tables.js'

const day = 86_400
const folder = temporaryFolder()
const weekly = { rotateEvery: 7 * day, publishAhead: 900 }

const signer = async ({ server }: Scene): Promise<string> => (await server.signingKey()).kid
const keyEvents = ({ events }: Scene): unknown[] => events.filter(({ type }) => type.startsWith('key_'))

test(
  verifies(
    'discovery.publish-ahead',
    'a key is published 15 minutes before it signs, and until its last token has ended',
  ),
  async () => {
    const stage = await scene({ keys: weekly, tokenLifetime: day })
    const [first = ''] = await kidsOf(stage.server)
    expect(first).toMatch(/^[\w-]{43}$/)
    expect(await signer(stage)).toBe(first)
    const seen: Array<readonly [time: number, published: number, signs: boolean]> = []
    for (const time of [0, 7 * day - 1400, 7 * day - 900, 7 * day - 1, 7 * day, 8 * day + 140, 8 * day + 600]) {
      stage.clock.now = newYear + time
      seen.push([time, (await kidsOf(stage.server)).length, (await signer(stage)) === first])
    }
    expect(seen).toEqual([
      [0, 1, true],
      [7 * day - 1400, 1, true],
      [7 * day - 900, 2, true],
      [7 * day - 1, 2, true],
      [7 * day, 2, false],
      [8 * day + 140, 2, false],
      [8 * day + 600, 1, false],
    ])
    const second = await signer(stage)
    expect(await kidsOf(stage.server)).toEqual([second])
    expect(keyEvents(stage)).toEqual([
      { type: 'key_made', kid: first, published: newYear, signs: newYear },
      { type: 'key_made', kid: second, published: newYear + 7 * day - 900, signs: newYear + 7 * day },
      { type: 'key_retired', kid: first },
    ])
  },
)

test(
  verifies(
    'delegate.renew.grace',
    'discovery.publish-ahead',
    'a token can be renewed for 30 days after its key has left the set',
  ),
  async () => {
    const stage = await scene({ keys: weekly })
    stage.clock.now += 7 * day - 10
    await kidsOf(stage.server)
    const [one, two] = [await enrolled(stage), await enrolled(stage)]
    const { kid, alg } = part(one.agentToken, 0)
    stage.clock.now += 3600 + 30 * day - 1
    // The first request after a month advances the schedule: the next key is published, and does not sign yet.
    const response = await stage.server.handle(await renewal(stage, one))
    expect(response.status).toBe(200)
    expect(await kidsOf(stage.server)).not.toContain(kid)
    expect(part(agentTokenOf(await response.json()), 0)).toEqual({ typ: 'agent+jwt', alg, kid: await signer(stage) })
    stage.clock.now += 1
    expect(await refusalOf(await stage.server.handle(await renewal(stage, two)))).toMatchObject({
      status: 401,
      error: 'invalid_agent_token',
    })
  },
)

test('the private part of a key is destroyed once it no longer signs, and its row later', async () => {
  const database = `sqlite:${join(folder, 'spent.db')}`
  const stage = await scene({ database, keys: weekly })
  const store = await openStore<Tables>({ url: database, room: 'agent_server', migrations })
  const privateParts = async (): Promise<boolean[]> => {
    await kidsOf(stage.server)
    const rows = await store.db.selectFrom('agent_server_keys').selectAll().orderBy('generation').execute()
    return rows.map(({ private_jwk }) => private_jwk !== null)
  }
  expect(await privateParts()).toEqual([true])
  stage.clock.now += 7 * day - 900
  expect(await privateParts()).toEqual([true, true])
  stage.clock.now += 900 + 299
  expect(await privateParts()).toEqual([true, true])
  stage.clock.now += 460
  expect(await privateParts()).toEqual([false, true])
  stage.clock.now += 38 * day
  expect((await privateParts()).length).toBe(2)
  await store.close()
  await stage.server.close()
})

test('a restart keeps the keys', async () => {
  const database = `sqlite:${join(folder, 'restart.db')}`
  const before = await scene({ database, keys: weekly })
  const delegate = await enrolled(before)
  const kids = await kidsOf(before.server)
  await before.server.close()
  const after = await scene({ database, keys: weekly })
  expect(await kidsOf(after.server)).toEqual(kids)
  expect((await after.server.handle(await renewal(after, delegate))).status).toBe(200)
  expect(keyEvents(after)).toEqual([])
  await after.server.close()
})

test(
  verifies('error.unavailable', 'while the database is not available, the keys stay published and no token is issued'),
  async () => {
    const stage = await scene({ keys: weekly })
    const delegate = await enrolled(stage)
    const kids = await kidsOf(stage.server)
    await stage.server.close()
    stage.clock.now += 3000
    expect(await kidsOf(stage.server)).toEqual(kids)
    expect([await signer(stage)]).toEqual(kids)
    expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(503)
  },
)

test(
  verifies('discovery.publish-ahead', 'given keys are replaced by the rotation and retired like its own'),
  async () => {
    const given = { kid: 'given', key: await generateSigningKey() }
    const stage = await scene({ keys: { ...weekly, before: [given] } })
    const delegate = await enrolled(stage)
    expect(part(delegate.agentToken, 0)).toMatchObject({ kid: 'given' })
    // A rotation that began at once would outrun an instance of the version before, which publishes the given key only.
    stage.clock.now += 7 * day - 920
    expect(await kidsOf(stage.server)).toEqual(['given'])
    stage.clock.now += 20
    const [own = ''] = (await kidsOf(stage.server)).filter(kid => kid !== 'given')
    expect(own).toMatch(/^[\w-]{43}$/)
    expect(await signer(stage)).toBe('given')
    stage.clock.now += 900
    expect(await signer(stage)).toBe(own)
    expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(200)
    expect(await kidsOf(stage.server)).toEqual(['given', own])
    stage.clock.now += day + 600
    expect(await kidsOf(stage.server)).toEqual([own])
    await expect(scene({ keys: { ...weekly, before: [given, given] } })).rejects.toThrow(TypeError)
  },
)

test(
  verifies('discovery.publish-ahead', 'after the clock was set back, an earlier key signs as long as there is one'),
  async () => {
    const stage = await scene({ keys: weekly })
    const [first = ''] = await kidsOf(stage.server)
    const at = async (time: number): Promise<string> => {
      stage.clock.now = newYear + time
      await kidsOf(stage.server)
      return signer(stage)
    }
    expect(await at(7 * day - 900)).toBe(first)
    const second = await at(7 * day)
    expect(second).not.toBe(first)
    expect(await at(7 * day - 100)).toBe(first)
    expect(await at(-10)).toBe(first)
    expect(await at(7 * day + 300)).toBe(second)
    // The private part of the first key is deleted by now.
    expect(await at(7 * day - 100)).toBe(second)
  },
)

test.each<readonly [string, object]>([
  ['rotateEvery under an hour', { rotateEvery: 3599 }],
  ['rotateEvery no number', { rotateEvery: Number.NaN }],
  ['publishAhead of 59 s', { rotateEvery: day, publishAhead: 59 }],
  ['publishAhead over rotateEvery', { rotateEvery: 3600, publishAhead: 3601 }],
])(verifies('discovery.publish-ahead', '%s is refused at construction'), async (_, keys) => {
  await expect(scene({ keys: { ...weekly, ...keys } })).rejects.toThrow(RangeError)
  await expect(scene({ keys: { rotateEvery: 3600, publishAhead: 60 } })).resolves.toBeDefined()
})

test(verifies('metadata.agent', 'without a database an agent has its keys in memory and no delegates'), async () => {
  const clock = { now: newYear }
  const server = await createAgentServer({ id: 'https://agent.example', name: 'A blog', now: () => clock.now })
  expect(server.paths).toEqual(['/.well-known/aauth-agent', '/.well-known/jwks.json'])
  const get = (target: string, method = 'GET'): Promise<Response> =>
    server.handle({ method, target, headers: [['host', 'agent.example']] })
  expect(await (await get('/.well-known/aauth-agent')).json()).toEqual({
    issuer: 'https://agent.example',
    agent: 'https://agent.example',
    jwks_uri: 'https://agent.example/.well-known/jwks.json',
    name: 'A blog',
  })
  expect((await get('/delegate/token', 'POST')).status).toBe(404)
  const { kid } = await server.signingKey()
  expect(await kidsOf(server)).toEqual([kid])
  clock.now += 30 * day - 900
  expect((await kidsOf(server)).length).toBe(2)
  expect((await server.signingKey()).kid).toBe(kid)
  clock.now += 900
  expect((await server.signingKey()).kid).not.toBe(kid)
  clock.now += 300
  await kidsOf(server)
  clock.now += day + 300
  expect(await kidsOf(server)).toEqual([(await server.signingKey()).kid])
  clock.now += 31 * day
  expect((await kidsOf(server)).length).toBe(2)
  await expect(server.ready()).resolves.toBeUndefined()
  await server.close()
  await expect(createAgentServer({ id: 'https://agent.example', enrollment: [] })).rejects.toThrow(TypeError)
})
