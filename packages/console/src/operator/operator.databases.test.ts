import type { AuthServerEvent } from '@countersign/auth-server'
import { verifies } from '@countersign/requirements'
import {
  allowedCode,
  askUser,
  browserOf,
  consentWorld,
  redeemCode,
  secondInstance,
} from '@countersign/testing/auth/consent'
import { codes } from '@countersign/testing/auth/device'
import {
  ask,
  delegate,
  granted,
  otherAgent,
  resourceToken,
  type Signer,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, onTestFinished, test } from 'vitest'
import { type OpenOperator, openOperator, operatorOf } from './open-operator.js'

const databases = await databasesForTests(6)
const [issuer, agent, calendar] = ['https://auth.example', 'https://agent.example', 'https://calendar.example']
const callerBlocked = plain(403, 'access_denied', 'caller_blocked')
const ended = plain(400, 'invalid_grant', 'grant_invalid')

const refresh = (made: World, signer: Signer, refresh_token: string): Promise<Response> =>
  send(made, signer, { request_type: 'refresh', refresh_token })

interface Place {
  readonly made: World
  readonly operator: OpenOperator
  readonly events: AuthServerEvent[]
  /** The grants that the calendar was told have ended. */
  readonly told: string[]
  /** Answers notices as the calendar does. */
  readonly fetch: typeof fetch
}

/** An auth server that runs, and an operator beside it. */
async function place(database: string): Promise<Place> {
  const [told, events]: [string[], AuthServerEvent[]] = [[], []]
  const answer: typeof fetch = async (input, init) => {
    const form = new URLSearchParams(await new Request(input, init).text())
    told.push(form.get('grant') ?? '')
    return new Response(null, { status: 204 })
  }
  const made = await consentWorld({ database, deviceFlow: 'any', fetch: answer })
  publishResource(made, calendar, [made.resourceKey], {
    supported_scopes: ['events.read', 'events.write'],
    revocation_endpoint: `${calendar}/aauth/revoked-grants`,
  })
  const onEvent = (event: AuthServerEvent): void => void events.push(event)
  const operator = await openOperator({ issuer, database, now: () => made.clock.now, onEvent })
  onTestFinished(() => operator.close())
  return { made, operator, events, told, fetch: answer }
}

/** The user who is signed in last. */
function lastUser({ events }: World): string {
  return events.flatMap(event => (event.type === 'signed_in' ? event.sub : [])).at(-1) ?? ''
}

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'revocation.written',
      `on ${name}: an agent that is blocked keeps nothing and gets nothing, its resources are told, and it may ask again later${away}`,
    ),
    async () => {
      const { made, operator, events, told } = await place(url())
      const [phone, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
      const { refresh_token } = await granted(
        await redeemCode(made, phone, await allowedCode(made, phone, { one: ada })),
      )
      const waiting = await allowedCode(made, phone, { one: ada, scope: 'events.read events.write' })
      const { items } = await operator.grants.list()
      expect(await operator.agents.block({ agent })).toEqual({ changed: true, grants: 1 })
      // At once, wherever: the grant and the code are gone. The server may know of the block by now.
      const refused = [await refresh(made, phone, refresh_token), await redeemCode(made, phone, waiting)]
      for (const response of refused) expect([ended, callerBlocked]).toContainEqual(await refusalOf(response))
      made.clock.now += 2
      expect(await refusalOf(await askUser(made, phone))).toEqual(callerBlocked)
      await expect.poll(() => told, { timeout: 5000 }).toEqual(items.map(({ grant }) => grant))
      expect(await operator.agents.show(agent)).toEqual({
        agent,
        grants: 0,
        blocked: 'agent',
        users: 0,
        delegates: [],
      })
      expect(await operator.agents.blocks()).toEqual([{ agent, blocked: 1_767_225_600 }])
      expect(await operator.agents.block({ agent })).toEqual({ changed: false, grants: 0 })
      expect(await operator.agents.unblock({ agent })).toBe(true)
      expect(await operator.agents.unblock({ agent })).toBe(false)
      made.clock.now += 2
      // What was remembered is forgotten: the user is asked again.
      const asked = await bodyOf(await askUser(made, phone))
      expect(Object.keys(asked)).toEqual(['request_token', 'expires_in'])
      expect(events).toEqual([
        { type: 'blocked', agent, grants: 1 },
        { type: 'blocked', agent, grants: 0 },
        { type: 'unblocked', agent },
      ])
    },
  )

  test.skipIf(away !== '')(
    verifies('error.access-denied', `on ${name}: delegates and sites are blocked without the others${away}`),
    async () => {
      const { made, operator } = await place(url())
      const other = await otherAgent(made)
      const [phone, laptop, ada] = [
        await delegate(made, 'phone'),
        await delegate(made, 'laptop'),
        await browserOf(made, 'ada'),
      ]
      for (const signer of [phone, laptop])
        await granted(await redeemCode(made, signer, await allowedCode(made, signer, { one: ada })))
      expect((await codes(made, other)).user_code).not.toBe('undefined')
      expect(await operator.agents.block({ agent, delegate: 'phone' })).toEqual({ changed: true, grants: 1 })
      made.clock.now += 2
      expect((await askUser(made, laptop)).status).toBe(200)
      expect(await refusalOf(await askUser(made, phone))).toEqual(callerBlocked)
      expect(await operator.agents.block({ site: 'agent.example' })).toEqual({ changed: true, grants: 1 })
      made.clock.now += 2
      expect(await refusalOf(await askUser(made, laptop))).toEqual(callerBlocked)
      expect((await codes(made, other)).user_code).not.toBe('undefined')
      expect(await operator.agents.show(agent)).toMatchObject({
        blocked: 'site',
        delegates: [{ delegate: 'phone', blocked: true }],
      })
      await expect(operator.agents.block({ site: 'co.uk' })).rejects.toThrow(TypeError)
      await expect(operator.agents.block({ agent: 'agent.example' })).rejects.toThrow(TypeError)
      await expect(operator.agents.block({ agent, delegate: '' })).rejects.toThrow(TypeError)
      await expect(operator.agents.block({} as never)).rejects.toThrow(TypeError)
      await expect(operator.agents.block({ agent, delegate: undefined } as never)).rejects.toThrow(TypeError)
    },
  )

  test.skipIf(away !== '')(
    `on ${name}: a user who is blocked is signed out, and what they allowed ends${away}`,
    async () => {
      const { made, operator, events, told } = await place(url())
      const phone = await delegate(made, 'phone')
      const grace = await browserOf(made, 'grace')
      const kept = await granted(await redeemCode(made, phone, await allowedCode(made, phone, { one: grace })))
      const ada = await browserOf(made, 'ada')
      const sub = lastUser(made)
      const { refresh_token } = await granted(
        await redeemCode(made, phone, await allowedCode(made, phone, { one: ada })),
      )
      expect(await operator.users.block('nobody')).toBeUndefined()
      expect(await operator.users.block(sub)).toEqual({ changed: true, grants: 1 })
      expect(await refusalOf(await refresh(made, phone, refresh_token))).toEqual(ended)
      expect(await (await ada.get('/account')).text()).toContain('Sign in')
      expect(await (await grace.get('/account')).text()).toContain('Agents with access')
      expect((await refresh(made, phone, kept.refresh_token)).status).toBe(200)
      await expect.poll(() => told.length, { timeout: 5000 }).toBe(1)
      expect(await operator.users.list({ blocked: true })).toMatchObject({
        items: [{ sub, name: 'Ada', email: 'ada@demo.example', blocked: 1_767_225_600 }],
      })
      expect(await operator.users.show(sub)).toMatchObject({
        sub,
        sessions: 0,
        grants: 0,
        passkeys: [],
        accounts: [{}],
      })
      expect(await operator.users.unblock(sub)).toBe(true)
      expect(await operator.users.list({ blocked: true })).toEqual({ items: [] })
      expect(events).toEqual([
        { type: 'blocked', user: sub, grants: 1 },
        { type: 'unblocked', user: sub },
      ])
      expect((await browserOf(made, 'ada')).cookies.size).toBeGreaterThan(1)
    },
  )

  test.skipIf(away !== '')(
    verifies('revocation.written', `on ${name}: grants are listed, shown and revoked by what they are${away}`),
    async () => {
      const { made, operator, events } = await place(url())
      const [phone, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
      const sub = lastUser(made)
      const laptop = await delegate(made, 'laptop')
      const tokens = []
      for (const signer of [phone, laptop, phone])
        tokens.push(await granted(await redeemCode(made, signer, await allowedCode(made, signer, { one: ada }))))
      const { items, next } = await operator.grants.list({ limit: 2 })
      const rest = await operator.grants.list({ limit: 2, after: next ?? '' })
      expect([items.length, rest.items.length, rest.next]).toEqual([2, 1, undefined])
      const all = [...items, ...rest.items]
      expect(new Set(all.map(({ grant }) => grant)).size).toBe(3)
      expect(
        (await operator.grants.list({ agent, delegate: 'phone', user: sub, resource: calendar })).items.length,
      ).toBe(2)
      expect((await operator.grants.list({ resource: 'https://other.example' })).items).toEqual([])
      expect(await operator.agents.list()).toEqual({ items: [{ agent, grants: 3 }] })
      const [one] = (await operator.grants.list({ agent, delegate: 'laptop' })).items
      expect(await operator.grants.show(one?.grant ?? '')).toEqual({
        grant: one?.grant,
        agent,
        delegate: 'laptop',
        resource: calendar,
        scope: ['events.read'],
        user: sub,
        created: 1_767_225_600,
        last_used: 1_767_225_600,
      })
      expect(await operator.grants.show('x')).toBeUndefined()
      expect(await operator.grants.revoke({ grant: one?.grant ?? '' })).toBe(1)
      expect(await operator.grants.revoke({ grant: one?.grant ?? '' })).toBe(0)
      expect(await operator.grants.revoke({ resource: calendar, user: sub })).toBe(2)
      for (const { refresh_token } of tokens.slice(0, 1))
        expect(await refusalOf(await refresh(made, phone, refresh_token))).toEqual(ended)
      await granted(await redeemCode(made, phone, await allowedCode(made, phone, { one: ada })))
      expect(await operator.grants.revoke({ resource: 'https://other.example' })).toBe(0)
      expect(await operator.grants.revoke({ resource: calendar })).toBe(1)
      expect(events).toEqual([
        { type: 'ended_by_operator', grant: one?.grant, grants: 1 },
        { type: 'ended_by_operator', resource: calendar, user: sub, grants: 2 },
        { type: 'ended_by_operator', resource: calendar, grants: 1 },
      ])
      for (const filter of [
        {},
        { delegate: 'phone' },
        { grant: 'x', agent },
        { agents: agent },
        { agent, user: undefined },
      ])
        await expect(operator.grants.revoke(filter as never), JSON.stringify(filter)).rejects.toThrow(TypeError)
      await expect(operator.grants.list({ limit: 1001 })).rejects.toThrow(RangeError)
    },
  )

  test.skipIf(away !== '')(
    `on ${name}: users are listed by pages and found by sub, or the beginning of name or address${away}`,
    async () => {
      const { made, operator } = await place(url())
      await browserOf(made, 'grace')
      const grace = lastUser(made)
      await browserOf(made, 'ada')
      const ada = lastUser(made)
      const first = await operator.users.list({ limit: 1 })
      const second = await operator.users.list({ limit: 1, after: first.next ?? '' })
      expect(new Set([...first.items, ...second.items].map(({ sub }) => sub))).toEqual(new Set([ada, grace]))
      expect([first.next, second.next]).toEqual([first.items[0]?.sub, undefined])
      const found = async (search: string): Promise<string[]> =>
        (await operator.users.list({ search })).items.map(({ sub }) => sub)
      expect(await found(grace)).toEqual([grace])
      expect(await found('ADA@demo')).toEqual([ada])
      expect(await found('gra')).toEqual([grace])
      expect([await found('da'), await found('%'), await found('"'), await found('\\')]).toEqual([[], [], [], []])
      expect(await operator.users.show('x')).toBeUndefined()
      await expect(operator.users.list({ serach: 'x' } as never)).rejects.toThrow("did you mean 'search'?")
    },
  )

  test.skipIf(away !== '')(
    verifies(
      'REV-14',
      `on ${name}: nothing that two instances give while an agent is blocked outlives the block${away}`,
    ),
    async () => {
      const database = url()
      const { made: a, operator, told, fetch } = await place(database)
      const b = await secondInstance(a, database, { deviceFlow: 'any', fetch })
      const phone = await delegate(a, 'phone')
      const ada = await browserOf(a, 'ada')
      // Both have read that nobody is blocked.
      for (const one of [a, b]) expect((await askUser(one, phone)).status).toBe(200)
      for (let round = 0; round < 2; round++) {
        const { refresh_token } = await granted(await redeemCode(a, phone, await allowedCode(a, phone, { one: ada })))
        const begun = Array.from({ length: 8 }, (_, n) => refresh(n % 2 === 0 ? a : b, phone, refresh_token))
        await operator.agents.block({ agent })
        const after = await Promise.all([refresh(a, phone, refresh_token), refresh(b, phone, refresh_token)])
        expect(after.map(({ status }) => status).filter(status => status === 200)).toEqual([])
        await Promise.all(begun)
        expect((await operator.grants.list({ agent })).items).toEqual([])
        await expect.poll(() => told.length, { timeout: 5000 }).toBe(round + 1)
        await operator.agents.unblock({ agent })
        a.clock.now += 40
        await Promise.all([a, b].map(async one => expect((await askUser(one, phone)).status).toBe(200)))
      }
    },
    60_000,
  )
}

test('what an instance gave before it knew of a block ends when it knows', async () => {
  const [{ url }] = databases as [(typeof databases)[number]]
  const database = url()
  const made = await world({ database })
  const operator = await openOperator({ issuer, database, now: () => made.clock.now })
  onTestFinished(() => operator.close())
  const phone = await delegate(made, 'phone')
  let late: Response
  do {
    await operator.agents.unblock({ agent })
    made.clock.now += 2
    expect((await ask(made, phone)).status).toBe(200)
    await operator.agents.block({ agent })
    // Within these seconds the server may still say yes. On a busy machine they may be over.
    late = await ask(made, phone)
  } while (late.status !== 200)
  const { refresh_token } = await granted(late)
  await expect.poll(async () => (await operator.grants.list()).items.length, { timeout: 10_000 }).toBe(0)
  expect(await refusalOf(await refresh(made, phone, refresh_token))).toEqual(callerBlocked)
})

test('an instance knows its own blocks at once', async () => {
  const { made } = await place('sqlite::memory:')
  const server = await made.reopen()
  const one = { ...made, auth: server }
  const phone = await delegate(made, 'phone')
  const claims = { scope: 'events.read' }
  const asked = async (): Promise<Response> =>
    send(one, phone, {
      request_type: 'auth',
      redirect_uri: 'https://app.example/callback',
      resource_token: await resourceToken(made, phone, { claims }),
    })
  expect((await asked()).status).toBe(200)
  await operatorOf(server).agents.block({ agent })
  expect(await refusalOf(await asked())).toEqual(callerBlocked)
  await operatorOf(server).agents.unblock({ agent })
  expect((await asked()).status).toBe(200)
  expect((await ask(made, phone)).status).not.toBe(403)
})
