import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { bearer, type Deny, type Policy, type Requirement, type ResourceOptions } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

type Need = Requirement<'events.read' | 'events.write'>
type Options = Partial<ResourceOptions<'events.read' | 'events.write'>>

const agent = 'https://agent.example'
const iss = 'https://auth.example'
const phone = { agent, delegate: 'phone' }

/** Asks one route of a resource: the status, what is asked in a challenge, and whether a resource token was made. */
async function ask(as: Parameters<World['request']>[0]['as'], need: Need, options: Options = {}) {
  const resource = world.calendar(options)
  const before = world.events.length
  const answer = await resource.authorize(await world.request({ as, target: '/events' }), resource.declare(need))
  const minted = world.events.slice(before).some(({ type }) => type === 'resource_token')
  if (answer.ok) return [200]
  const { status, headers } = answer.response
  const { error } = Object(await answer.response.json())
  const asked = headers.get('agent-auth')?.replace(/; resource_token.*/, '')
  return [status, error, asked, ...(minted ? ['a resource token'] : [])]
}

const token = async (claims: Record<string, unknown> = {}) =>
  asHolder(world.delegateKey, await world.authToken({ sub: 'alice', ...claims }))
const refused = [403, 'policy_denied', undefined]

test(
  verifies('AUT-23', 'RAT-04', 'a caller on a deny list gets 403 and no resource token, whatever its token says'),
  async () => {
    const need: Need = { scope: 'events.read' }
    const asked = [401, 'insufficient_level', 'httpsig; auth-token', 'a resource token']
    const lacking = await token({ scope: 'events.write' })
    expect(await ask(asAgent(world.agent), need)).toEqual(asked)
    expect(await ask(lacking, need)).toEqual([403, 'insufficient_scope', 'httpsig; auth-token', 'a resource token'])
    const blocks: Deny[] = [
      { agents: [agent] },
      { agents: ['https://*.example'] },
      aauth => aauth.agent === agent,
      async aauth => aauth.agent === agent,
    ]
    for (const deny of blocks) {
      for (const as of [asAgent(world.agent), lacking, await token()]) {
        expect(await ask(as, { ...need, deny }), String(deny)).toEqual(refused)
        expect(await ask(as, need, { deny }), String(deny)).toEqual(refused)
      }
      expect((await ask(asKey(await generateSigningKey()), { level: 'pseudonymous', deny }))[0]).toBe(200)
    }
    expect(await ask(asAgent(world.otherAgent), need, { deny: { agents: [agent] } })).toEqual(asked)
  },
)

test(verifies('AUT-23', 'a list denies one delegate of an agent, or one user of it, and no other'), async () => {
  const need: Need = { scope: 'events.read' }
  const lacking = await token({ scope: 'events.write' })
  expect(await ask(lacking, need, { deny: { delegates: [phone] } })).toEqual(refused)
  expect(await ask(await token(), need, { deny: { delegates: [phone] } })).toEqual(refused)
  for (const other of [
    { agent, delegate: 'Phone' },
    { agent: 'https://other.example', delegate: 'phone' },
  ])
    expect(await ask(await token(), need, { deny: { delegates: [other] } })).toEqual([200])
  for (const user of [
    { iss, sub: 'alice' },
    { iss, sub: 'alice', agent },
  ])
    expect(await ask(await token(), need, { deny: { users: [user] } })).toEqual(refused)
  for (const user of [
    { iss: 'https://other.example', sub: 'alice' },
    { iss, sub: 'alic' },
    { iss, sub: 'alice', agent: 'https://other.example' },
  ])
    expect(await ask(await token(), need, { deny: { users: [user] } })).toEqual([200])
})

test('a denied agent does not get in through a service that is not denied', async () => {
  const act = { iss, agent: 'https://evil.example', agent_delegate: 'bot' }
  const through = await token({ act })
  const need: Need = { scope: 'events.read' }
  expect(await ask(through, need)).toEqual([200])
  expect(await ask(through, need, { deny: { agents: ['https://evil.example'] } })).toEqual(refused)
  expect(
    await ask(through, need, { deny: { delegates: [{ agent: 'https://evil.example', delegate: 'bot' }] } }),
  ).toEqual(refused)
  expect(await ask(through, need, { deny: { agents: ['https://other.example'] } })).toEqual([200])
})

test('a list of users admits these users, or these through one agent', async () => {
  const need = (...users: NonNullable<Need['users']>): Need => ({ scope: 'events.read', users })
  expect(await ask(await token(), need({ iss, sub: 'alice' }))).toEqual([200])
  expect(await ask(await token(), need({ iss, sub: 'bob' }, { iss, sub: 'alice', agent }))).toEqual([200])
  for (const users of [need(), need({ iss, sub: 'bob' }), need({ iss, sub: 'alice', agent: 'https://other.example' })])
    expect(await ask(await token(), users)).toEqual(refused)
  // A token of a direct grant has no user.
  expect(await ask(await token({ sub: undefined }), need({ iss, sub: 'alice' }))).toEqual(refused)
  // A caller without an auth token gets a challenge, as everywhere.
  expect((await ask(asAgent(world.agent), need({ iss, sub: 'alice' })))[0]).toBe(401)
})

test('a policy may name a level that would help; every other answer refuses for good', async () => {
  const by =
    (verdict: unknown): Policy =>
    () =>
      verdict as boolean
  const pseudonym = asKey(await generateSigningKey())
  const open = (policy: Policy): Need => ({ level: 'pseudonymous', scope: 'events.read', policy })
  expect(await ask(pseudonym, open(by('identified')))).toEqual([403, 'policy_denied', 'httpsig; identity=?1'])
  expect(await ask(pseudonym, open(by('authorized')))).toEqual([403, 'policy_denied', 'httpsig; identity=?1'])
  expect(await ask(asAgent(world.agent), open(by('authorized')))).toEqual([
    403,
    'policy_denied',
    'httpsig; auth-token',
    'a resource token',
  ])
  expect(await ask(asAgent(world.agent), { level: 'identified', policy: by('authorized') })).toEqual(refused)
  // A level that was reached already would lead in a circle.
  expect(await ask(asAgent(world.agent), open(by('identified')))).toEqual(refused)
  expect(await ask(await token(), open(by('authorized')))).toEqual(refused)
  for (const verdict of [false, undefined, null, 1, 'yes', {}, 'anonymous'])
    expect(await ask(pseudonym, open(by(verdict)))).toEqual(refused)
  expect(await ask(pseudonym, open(by(true)))).toEqual([200])
  const resource = world.calendar()
  const unsigned = { method: 'GET', target: '/events', headers: [['host', 'calendar.example']] as const }
  const told = await resource.authorize(unsigned, { level: 'anonymous', policy: by('pseudonymous') })
  expect(told.ok ? [] : [told.response.status, told.response.headers.get('agent-auth')]).toEqual([403, 'httpsig'])
})

test('callers by OAuth are judged by the same lists', async () => {
  const alsoAccept = bearer(async () => ({ scope: ['events.read'], user: { iss, sub: 'alice' } }))
  const call = async (need: Need, options: Options = {}) => {
    const headers = [
      ['host', 'calendar.example'],
      ['authorization', 'Bearer x'],
    ] as const
    const resource = world.calendar(options)
    const answer = await resource.authorize(
      { method: 'GET', target: '/events', headers },
      { scope: 'events.read', alsoAccept, ...need },
    )
    return answer.ok ? 200 : answer.response.status
  }
  expect(await call({})).toBe(200)
  expect(await call({ users: [{ iss, sub: 'alice' }] })).toBe(200)
  expect(await call({ users: [{ iss, sub: 'bob' }] })).toBe(403)
  expect(await call({}, { deny: { users: [{ iss, sub: 'alice' }] } })).toBe(403)
  expect(await call({}, { deny: { users: [{ iss, sub: 'alice', agent }] } })).toBe(200)
})

test(
  verifies('AUT-23', 'nothing is fetched for denied agents, and the token endpoint gives them no token'),
  async () => {
    const blocked = world.calendar({ deny: { agents: [agent], delegates: [] } })
    const before = world.fetched.length
    const request = async (resource: typeof blocked) => {
      const body = 'scope=events.read'
      const contentType = 'application/x-www-form-urlencoded'
      const message = await world.request({
        as: asAgent(world.agent),
        method: 'POST',
        target: '/aauth/resource-token',
        body,
        contentType,
      })
      return (await resource.handle(message))?.status
    }
    expect(await request(blocked)).toBe(403)
    expect(world.fetched.length).toBe(before)
    expect(await request(world.calendar({ deny: aauth => aauth.agent === agent }))).toBe(403)
    expect(await request(world.calendar({ deny: { agents: ['https://other.example'] } }))).toBe(200)
  },
)

test('lists that can never match are a TypeError', () => {
  const wrong: Deny[] = [
    { agents: ['agent.example'] },
    { delegates: [{ agent: 'agent.example', delegate: 'phone' }] },
    { delegates: [{ agent, delegate: '' }] },
    { users: [{ iss: 'auth.example', sub: 'alice' }] },
    { users: [{ iss, sub: '' }] },
    { users: [{ iss, sub: 'alice', agent: 'x' }] },
  ]
  for (const deny of wrong) {
    expect(() => world.calendar({ deny }), JSON.stringify(deny)).toThrow(TypeError)
    expect(() => world.calendar().declare({ level: 'identified', deny }), JSON.stringify(deny)).toThrow(TypeError)
  }
  expect(() => world.calendar().declare({ level: 'identified', users: [{ iss, sub: 'alice' }] })).toThrow(/scope/)
})
