import { verifies } from '@countersign/requirements'
import { openStore, type Store } from '@countersign/store'
import { askUser, browserOf, consentWorld, redeemCode, requestTokenOf } from '@countersign/testing/auth/consent'
import { agentServer, send } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { describe, expect, test } from 'vitest'
import { userAccessIn } from '../access/access.js'
import { exchangedGrantsIn } from '../exchange/exchanged-grants.js'
import { ownMandatesIn } from '../exchange/own-mandate.js'
import type { Upstream } from '../exchange/upstream-token.js'
import { rememberConsent } from '../grant/consents.js'
import { grantsIn, newGrantId } from '../grant/grants.js'
import { requestsIn } from '../request/requests.js'
import { migrations, room, type Tables } from '../tables/tables.js'
import { newUser } from '../users/users.js'
import { writeNotices } from './notices.js'
import { allowedBy, tokenIn } from './race.test.fixture.js'

const issuer = 'https://auth.example'
const calendar = 'https://calendar.example'
const agent = 'https://agent.example'
const start = 1_767_225_600

async function tables() {
  const clock = { now: start }
  const store = await openStore<Tables>({ url: 'sqlite::memory:', room, migrations })
  return { clock, now: () => clock.now, store }
}

const notices = (store: Store<Tables>) =>
  store.db.selectFrom('auth_server_notices').select(['grant_name', 'resource', 'exp']).orderBy('created').execute()

describe('a token under way', () => {
  test(verifies('revocation.until', 'of a grant that is narrowed meanwhile is of what is left of it'), async () => {
    const wait: { until?: Promise<void>; began?: () => void } = {}
    const policy = async () => {
      wait.began?.()
      await wait.until
      return 'consent' as const
    }
    const database = sqliteOfTest()
    const made = await consentWorld({ database, policy })
    const [one, signer] = [await browserOf(made, 'ada'), agentServer(made)]
    const request_token = await requestTokenOf(await askUser(made, signer, { scope: 'events.read events.write' }))
    const code = await allowedBy(one, request_token, ['events.read', 'events.write'])
    const form = { code, request_token, redirect_uri: 'https://app.example/callback' }
    const answer = await redeemCode(made, signer, form)
    const { refresh_token } = await bodyOf(answer.clone())
    const first = await tokenIn(answer)
    const store = await openStore<Tables>({ url: database, room, migrations })
    const access = userAccessIn(store, () => made.clock.now, { issuer, onEnded: () => undefined })
    const { user_sub } = await store.db.selectFrom('auth_server_grants').select('user_sub').executeTakeFirstOrThrow()

    let goOn = (): void => undefined
    wait.until = new Promise(resolve => {
      goOn = resolve
    })
    const began = new Promise<void>(resolve => {
      wait.began = resolve
    })
    const refreshed = send(made, signer, { request_type: 'refresh', refresh_token: String(refresh_token) })
    await began
    await access.takeBack(user_sub ?? '', { agent, resource: calendar, scope: 'events.write' })
    made.clock.now += 30
    goOn()
    const token = await tokenIn(await refreshed)
    expect(token).toMatchObject({ scope: 'events.read', iat: start + 30 })
    expect(token?.grant).not.toBe(first?.grant)
    await store.close()
  })

  test(
    verifies('revocation.until', 'of a grant that ended because of too many is told of as late as it ended'),
    async () => {
      const { store, clock } = await tables()
      // Each look at the clock is a second later than the one before: an earlier look is told from a later one.
      const now = (): number => (clock.now += 1)
      const grants = grantsIn(store, now, { issuer })
      for (let n = 0; n < 100; n++)
        await grants.add({ agent }, { id: newGrantId(), resource: calendar, scope: 'events.read' })
      await store.db.selectFrom('auth_server_grants').select('id').execute()
      const before = clock.now
      await grants.add({ agent }, { id: newGrantId(), resource: calendar, scope: 'events.read' })
      const [notice] = await notices(store)
      expect(notice?.exp).toBe(clock.now + 3600)
      expect(clock.now).toBeGreaterThan(before + 1)
      await store.close()
    },
  )
})

describe('a remembered consent that is taken back', () => {
  const key = { user_sub: 'ada', agent, agent_delegate: '', resource: calendar }
  const remember = (store: Store<Tables>, chain = '') =>
    store.write(tx => rememberConsent(tx, { ...key, chain }, { scope: ['events.read'], now: start, words: {} }))

  test(verifies('ACC-09', 'answers no request that was opened before'), async () => {
    const { store, now } = await tables()
    const requests = requestsIn(store, now, {
      quota: { agent: 100, delegate: 100, total: 100 },
      development: true,
    })
    await remember(store)
    await store.write(tx => newUser(tx, { sub: 'ada', claims: {}, now: start }))
    const way = { redirect_uri: 'https://app.example/callback' }
    const asked = { principal: { agent }, resource: calendar, scope: ['events.read'] }
    const { request_token } = await requests.add(asked, way)
    const row = await requests.find(request_token)
    if (row?.kind !== 'access') throw new Error('not stored')
    await requests.claim(row, 'browser')
    const decision = { user: { sub: 'ada', claims: {} }, scope: ['events.read'], remember: 'yes' } as const
    await userAccessIn(store, now, { issuer, onEnded: () => undefined }).takeBack('ada', {})
    expect(
      await requests.decide(row, { browser: 'browser', decision: { ...decision, by: 'remembered' } }),
    ).toBeUndefined()
    expect(await store.db.selectFrom('auth_server_consents').selectAll().execute()).toEqual([])
    expect((await requests.decide(row, { browser: 'browser', decision: { ...decision, by: 'user' } }))?.status).toBe(
      'granted',
    )
    await store.close()
  })

  test(verifies('ACC-09', 'decides no exchange that was under way'), async () => {
    const { store, now } = await tables()
    const exchanged = exchangedGrantsIn(store, now, { issuer, mandates: ownMandatesIn(store, issuer, now) })
    const upstream: Upstream = {
      iss: 'https://one.example',
      sub: 'ada',
      grant: 'upstream',
      scope: ['events.read'],
      exp: start + 300,
      txn: undefined,
      act: { agent: 'https://first.example', iss: 'https://one.example' },
    } as Upstream
    await remember(store, 'chain')
    const yes = { scope: ['events.read'], conditions: [] }
    const remembered = { key: { ...key, chain: 'chain' }, yes }
    const exchange = { upstream, agent, delegate: undefined, resource: calendar, user: 'ada', remembered }
    expect(await exchanged.open(exchange)).toEqual(expect.any(String))
    await userAccessIn(store, now, { issuer, onEnded: () => undefined }).takeBack('ada', {})
    await expect(exchanged.open(exchange)).rejects.toMatchObject({ code: 'access_denied', reason: 'user_refused' })
    await store.close()
  })
})

describe('what came of a grant by exchange', () => {
  test(verifies('revocation.written', 'ends with it, and so does what came of that in turn'), async () => {
    const { store } = await tables()
    const row = (name: string, upstream: string, root: string | null) => ({
      name,
      upstream,
      root,
      agent,
      agent_delegate: '',
      resource: `https://${name}.example`,
      user_sub: 'ada',
      exp: start + 300,
    })
    await store.write(tx =>
      tx
        .insertInto('auth_server_exchanged')
        .values([
          row('second', `${issuer} first`, null),
          row('third', `${issuer} second`, null),
          row('other', `${issuer} another`, null),
          row('elsewhere', 'https://one.example first', null),
        ])
        .execute(),
    )
    const ended = { id: 'first', resource: calendar, agent, agent_delegate: '', user_sub: 'ada' }
    await store.write(tx => writeNotices(tx, [ended], { by: 'urgent', issuer, now: start }))
    const told = (await notices(store)).map(({ grant_name }) => grant_name)
    expect(told.toSorted((a, b) => a.localeCompare(b))).toEqual(['first', 'second', 'third'])
    await store.close()
  })

  test(verifies('revoke.ends', 'is exchanged no further once it has ended, wherever the chain began'), async () => {
    const { store, now } = await tables()
    const mandates = ownMandatesIn(store, issuer, now)
    const exchanged = exchangedGrantsIn(store, now, { issuer, mandates })
    const elsewhere = { iss: 'https://one.example', sub: 'ada', scope: ['events.read'], exp: start + 300 }
    const act = { agent: 'https://first.example', iss: 'https://one.example' }
    const first = { ...elsewhere, grant: 'upstream', act } as unknown as Upstream
    const parties = { agent, delegate: undefined, resource: calendar, user: 'ada' }
    const name = await exchanged.open({ ...parties, upstream: first })
    const further = { ...first, iss: issuer, grant: name, act: { agent, iss: issuer, act } } as unknown as Upstream
    const rooms = { ...parties, agent: calendar, resource: 'https://rooms.example', upstream: further }
    expect(await exchanged.open(rooms)).toEqual(expect.any(String))
    await userAccessIn(store, now, { issuer, onEnded: () => undefined }).takeBack('ada', { agent })
    await expect(exchanged.open(rooms)).rejects.toMatchObject({ code: 'invalid_auth_token', reason: 'grant_ended' })
    expect((await notices(store)).map(({ resource }) => resource)).toEqual([calendar, 'https://rooms.example'])
    await store.close()
  })
})

test(verifies('REV-27', 'what a stolen code gave ends, and its resource is told at once'), async () => {
  const told: string[] = []
  const made = await consentWorld({
    async fetch(input, init) {
      told.push(new URLSearchParams(await new Request(input, init).text()).get('grant') ?? '')
      return new Response(null, { status: 204 })
    },
  })
  publishResource(made, calendar, [made.resourceKey], {
    supported_scopes: ['events.read'],
    revocation_endpoint: `${calendar}/revoked`,
  })
  const [one, signer] = [await browserOf(made, 'ada'), agentServer(made)]
  const request_token = await requestTokenOf(await askUser(made, signer))
  const form = { code: await allowedBy(one, request_token, ['events.read']), request_token }
  const redeem = () => redeemCode(made, signer, { ...form, redirect_uri: 'https://app.example/callback' })
  const token = await tokenIn(await redeem())
  made.clock.now += 59
  expect(await tokenIn(await redeem()), 'an answer that was lost').toEqual(token)
  made.clock.now += 2
  expect(await bodyOf(await redeem())).toMatchObject({ error: 'invalid_grant' })
  await expect.poll(() => told).toEqual([token?.grant])
  await made.auth.close()
})
