import { operatorOf } from '@countersign/console'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { browser, signInAs } from '@countersign/testing/auth/browser'
import {
  allowedCode,
  askUser,
  browserOf,
  consentWorld,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { answer, askDevice, codes, poll, type } from '@countersign/testing/auth/device'
import { exchange, exchangeWorld, upstreamToken } from '@countersign/testing/auth/exchange'
import { formAt, passkeyWorld } from '@countersign/testing/auth/passkey-world'
import { agentServer, ask, delegate, granted, send, type World, world } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { plain, refusalOf } from '@countersign/testing/responses'
import { describe, expect, test } from 'vitest'
import { createAuthServer } from '../auth-server.js'
import { migrations, type Tables } from '../tables/tables.js'
import type { DenyLists } from './deny.js'

const callerBlocked = plain(403, 'access_denied', 'caller_blocked')
const userBlocked = plain(403, 'access_denied', 'user_blocked')
const agent = 'https://agent.example'

/** The same world again, whose configuration denies. */
const denying = (made: World, o: Parameters<typeof consentWorld>[0]): Promise<World> =>
  consentWorld({ ...o, clock: made.clock, discovery: made.discovery })

describe('deny', () => {
  test.each<{ what: string; deny: DenyLists; phone: number; laptop: number }>([
    { what: 'an agent', deny: { agents: [agent] }, phone: 403, laptop: 403 },
    { what: 'all agents below a host', deny: { agents: ['https://*.example'] }, phone: 403, laptop: 403 },
    { what: 'a site', deny: { sites: ['agent.example'] }, phone: 403, laptop: 403 },
    { what: 'a delegate', deny: { delegates: [{ agent, delegate: 'phone' }] }, phone: 403, laptop: 200 },
    { what: 'others', deny: { agents: ['https://other.example'], sites: ['gent.example'] }, phone: 200, laptop: 200 },
    {
      what: 'the delegate of another agent',
      deny: { delegates: [{ agent: 'https://other.example', delegate: 'phone' }] },
      phone: 200,
      laptop: 200,
    },
  ])(verifies('error.access-denied', 'refuses $what, and nobody else'), async ({ deny, phone, laptop }) => {
    const made = await world({ deny })
    const answers = [await ask(made, await delegate(made, 'phone')), await ask(made, await delegate(made, 'laptop'))]
    expect(answers.map(({ status }) => status)).toEqual([phone, laptop])
    const [first] = answers
    if (phone === 403 && first !== undefined) expect(await refusalOf(first)).toEqual(callerBlocked)
  })

  test(verifies('refresh.denied-keeps', 'refuses refreshes and keeps the grant'), async () => {
    const database = sqliteOfTest()
    const first = await world({ database })
    const phone = await delegate(first, 'phone')
    const { refresh_token } = await granted(await ask(first, phone))
    const refresh = (made: World): Promise<Response> => send(made, phone, { request_type: 'refresh', refresh_token })
    const { clock, discovery } = first
    const denied = await world({ database, clock, discovery, deny: { agents: [agent] } })
    expect(await refusalOf(await refresh(denied))).toEqual(callerBlocked)
    expect(denied.events).toMatchObject([{ type: 'refused', reason: 'caller_blocked', agent, delegate: 'phone' }])
    expect((await refresh(first)).status).toBe(200)
  })

  test('refuses codes, device codes and polls that a user has said yes to', async () => {
    const database = sqliteOfTest()
    const made = await consentWorld({ database, deviceFlow: 'any' })
    const [phone, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
    const allowed = await allowedCode(made, phone, { one: ada })
    const device = await codes(made, phone)
    await answer(ada, device.user_code, 'allow')
    const sub = made.events.flatMap(event => (event.type === 'signed_in' ? event.sub : []))[0] ?? ''
    const byAgent = await denying(made, { database, deviceFlow: 'any', deny: { agents: [agent] } })
    const byUser = await denying(made, { database, deviceFlow: 'any', deny: { users: [sub] } })
    for (const [denied, refusal] of [
      [byAgent, callerBlocked],
      [byUser, userBlocked],
    ] as const) {
      expect(await refusalOf(await redeemCode(denied, phone, allowed))).toEqual(refusal)
      expect(await refusalOf(await poll(denied, phone, device.device_code))).toEqual(refusal)
    }
    expect(await refusalOf(await askDevice(byAgent, phone))).toEqual(callerBlocked)
    const inbox = { request_type: 'poll', request_token: 'x' }
    expect(await refusalOf(await send(byAgent, phone, inbox))).toEqual(callerBlocked)
    const { refresh_token } = await granted(await redeemCode(made, phone, allowed))
    // Neither the answer again, nor a refresh.
    expect(await refusalOf(await redeemCode(byUser, phone, allowed))).not.toMatchObject({ status: 200 })
    const refresh = { request_type: 'refresh', refresh_token }
    expect(await refusalOf(await send(byUser, phone, refresh))).toEqual(userBlocked)
    expect((await send(made, phone, refresh)).status).toBe(200)
    expect((await poll(made, phone, device.device_code)).status).toBe(200)
  })

  test(verifies('exchange.chain', 'refuses an exchange for each agent of its chain, nearest or not'), async () => {
    const first = 'https://first.example'
    const ofChain = async (deny: DenyLists) => {
      const made = await exchangeWorld({ deny })
      const act = { iss: 'https://one.example', agent: first, agent_delegate: 'tablet' }
      const response = await exchange(made, { upstream: await upstreamToken(made, { claims: { act } }) })
      return response.status === 200 ? 200 : refusalOf(response)
    }
    expect(await ofChain({ agents: ['https://calendar.example'] })).toEqual(callerBlocked)
    expect(await ofChain({ agents: [agent] })).toEqual(callerBlocked)
    expect(await ofChain({ delegates: [{ agent, delegate: 'phone' }] })).toEqual(callerBlocked)
    expect(await ofChain({ sites: ['first.example'] })).toEqual(callerBlocked)
    expect(await ofChain({ delegates: [{ agent: first, delegate: 'tablet' }] })).toEqual(callerBlocked)
    expect(await ofChain({ delegates: [{ agent: first, delegate: 'phone' }] })).toBe(200)
  })

  test('shows a page instead of the request of a blocked agent, by link and by user code', async () => {
    const database = sqliteOfTest()
    const made = await consentWorld({ database, deviceFlow: 'any' })
    const phone = await delegate(made, 'phone')
    const request_token = await requestTokenOf(await askUser(made, phone))
    const opened = await requestTokenOf(await askUser(made, phone))
    const { user_code } = await codes(made, phone)
    const denied = await denying(made, { database, deviceFlow: 'any', deny: { sites: ['agent.example'] } })
    const ada = await browserOf(denied, 'ada')
    await ada.get('/logout')
    const page = await open(ada, linkOf(request_token))
    expect([page.status, page.headers.get('location')]).toEqual([403, null])
    expect(await page.text()).toContain('caller_blocked')
    expect((await type(ada, user_code)).status).toBe(403)
    // A request that was opened before the block is not decided after it.
    const before = await browserOf(made, 'ada')
    expect((await open(before, linkOf(opened))).status).toBe(200)
    const after = browser(denied.auth, 'https://auth.example')
    for (const [name, value] of before.cookies) after.cookies.set(name, value)
    expect((await after.get(`/agent/consent?${new URLSearchParams({ request_token: opened })}`)).status).toBe(403)
    expect((await open(await browserOf(made, 'ada'), linkOf(request_token))).status).toBe(200)
    expect(denied.events.filter(({ type: kind }) => kind === 'refused')).toMatchObject([
      { reason: 'caller_blocked', agent, status: 403 },
      { reason: 'caller_blocked', agent, status: 403 },
      { reason: 'caller_blocked', agent, status: 403 },
    ])
  })

  test('signs a user out, and tells only them why they cannot sign in', async () => {
    const database = sqliteOfTest()
    const made = await consentWorld({ database })
    const ada = await browserOf(made, 'ada')
    const sub = made.events.flatMap(event => (event.type === 'signed_in' ? event.sub : []))[0] ?? ''
    const denied = await denying(made, { database, deny: { users: [sub] } })
    const there = browser(denied.auth, 'https://auth.example')
    for (const [name, value] of ada.cookies) there.cookies.set(name, value)
    expect(await (await there.get('/account')).text()).toContain('Sign in')
    const refused = await signInAs(there, 'ada')
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('has blocked this account')])
    expect((await signInAs(there, 'grace')).status).toBe(303)
    expect(denied.events).toMatchObject([{ type: 'sign_in_failed', reason: 'user_blocked' }, { type: 'signed_in' }])
    expect((await ada.get('/account')).status).toBe(200)
  })

  test('is checked at construction', async () => {
    const create = async (deny: unknown): Promise<string> => {
      const keys = [{ kid: 'a1', key: await generateSigningKey() }]
      const options = { issuer: 'https://auth.example', keys, database: 'sqlite::memory:', deny: deny as DenyLists }
      return createAuthServer(options).then(
        server => server.close().then(() => 'opened'),
        (error: unknown) => (error instanceof TypeError ? error.message : String(error)),
      )
    }
    expect(await create({ agents: [agent], sites: ['acme.co.uk'], users: ['ada'] })).toBe('opened')
    expect(await create({ agent: [agent] })).toContain("did you mean 'agents'?")
    expect(await create({ agents: [`${agent}/`] })).toContain('must be https://host')
    expect(await create({ delegates: [{ agent, delegate: '' }] })).toContain('a delegate is')
    for (const site of ['co.uk', 'www.acme.example', 'https://acme.example', 'localhost', '192.0.2.1', 'ACME.example'])
      expect(await create({ sites: [site] }), site).toContain('is no site')
    expect(await create({ users: [''] })).toContain('none is empty')
  })
})

test('a user who is blocked cannot sign in by passkey, nor get back in by a link', async () => {
  const database = sqliteOfTest()
  const place = await passkeyWorld({ database })
  const { one, passkey, sub } = await place.account('Ada')
  const server = await place.made.reopen()
  expect(await operatorOf(server).users.block(sub)).toEqual({ changed: true, grants: 0 })
  place.made.clock.now += 2
  expect(await (await one.get('/account')).text()).toContain('Sign in')
  const visitor = place.visitor()
  const form = await formAt(visitor, '/login?return_to=/account', '/login/passkey')
  const tried = await visitor.post(form.action, { ...form.fields, credential: passkey.signed(form.options) })
  expect([tried.status, await tried.text()]).toEqual([403, expect.stringContaining('has blocked this account')])
  const recovery = await formAt(visitor, await place.link(sub))
  const credential = place.newPasskey().created(recovery.options)
  expect((await visitor.post(recovery.action, { ...recovery.fields, credential })).status).toBe(403)
  expect(await operatorOf(server).users.unblock(sub)).toBe(true)
  const again = await formAt(visitor, '/login?return_to=/account', '/login/passkey')
  const entered = await visitor.post(again.action, { ...again.fields, credential: passkey.signed(again.options) })
  expect(entered.status).toBe(303)
})

test('blocks are not read for each token; those that cannot be read refuse everybody', async () => {
  const database = sqliteOfTest()
  const made = await world({ database })
  expect((await ask(made, agentServer(made))).status).toBe(200)
  const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
  await store.write(tx => tx.schema.alterTable('auth_server_blocks').renameTo('away').execute())
  made.clock.now += 1
  expect((await ask(made, agentServer(made))).status).toBe(200)
  made.clock.now += 1
  expect((await ask(made, agentServer(made))).status).toBeGreaterThanOrEqual(500)
  await store.write(tx => tx.schema.alterTable('away').renameTo('auth_server_blocks').execute())
  expect((await ask(made, agentServer(made))).status).toBe(200)
  await store.close()
})
