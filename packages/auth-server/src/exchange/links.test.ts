import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { signInAs } from '@countersign/testing/auth/browser'
import { open } from '@countersign/testing/auth/consent'
import {
  exchange,
  exchangeWorld,
  middleCallback,
  roomsToken,
  rowsIn,
  rule,
  upstreamIssuer,
} from '@countersign/testing/auth/exchange'
import {
  allow,
  asksUser,
  claimsOf,
  connected,
  person,
  redeem,
  throughOne,
  twoAuthServers,
  upstreamFor,
  watchedTwo,
} from '@countersign/testing/auth/two-auth-servers'
import { send } from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { forgeToken } from '@countersign/testing/world/tokens'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'

for (const { name, away, url } of await databasesForTests(2)) {
  test.skipIf(away !== '')(
    verifies(
      'link.asks',
      'exchange.sub',
      `on ${name}: of two users who prove to be one upstream user at once, one is linked${away}`,
    ),
    async () => {
      const made = await watchedTwo(url())
      const upstream = await upstreamFor(made, person(made), 'ada')
      // Two people who can both sign in as Ada there, with accounts of their own here.
      const both = await Promise.all(
        (['ada', 'grace'] as const).map(async subject => {
          const who = person(made)
          const { link, request_token } = await asksUser(made, upstream)
          await signInAs(who.at.one, 'ada')
          await signInAs(who.at.auth, subject)
          return {
            who,
            request_token,
            page: await open(who.at.auth, await throughOne(who, await open(who.at.auth, link))),
          }
        }),
      )
      const answers = await Promise.all(both.map(({ who, page }) => allow(who.at.auth, page)))
      expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 403])
      expect(await rowsIn(made.database)).toMatchObject({ links: 1 })
      const loser = both[answers.findIndex(({ status }) => status === 403)]
      const form = { csrf: (await loser?.who.at.auth.csrf('/login')) ?? '', request_token: loser?.request_token ?? '' }
      expect((await loser?.who.at.auth.post('/agent/consent', { ...form, decision: 'allow' }))?.status).toBe(403)
      expect(made.events).toContainEqual(expect.objectContaining({ type: 'link_refused', reason: 'taken' }))
      await made.auth.close()
    },
  )
}

test(
  verifies('LOG-10', 'a link is deleted with its user, who stays while an exchange that they allowed is used'),
  async () => {
    const made = await watchedTwo()
    const { upstream } = await connected(made)
    const day = 86_400
    const claims = claimsOf({ auth_token: upstream })
    const users = async (): Promise<number> => {
      const store = await openStore<Tables>({ url: made.database, room: 'auth_server', migrations })
      const rows = await store.db.selectFrom('auth_server_users').select('sub').execute()
      await store.close()
      return rows.length
    }
    const lookIn = async (): Promise<void> => {
      await made.auth.ready()
      await sleep(50)
    }
    for (let month = 0; month < 15; month++) {
      made.clock.now += 30 * day
      await lookIn()
      const times = { iat: made.clock.now, exp: made.clock.now + 300 }
      const fresh = await forgeToken(made.upstreamKey, { typ: 'auth+jwt' }, { ...claims, ...times })
      expect(await bodyOf(await exchange(made, { upstream: fresh, scope: 'rooms.book' }))).toHaveProperty('auth_token')
    }
    expect(await rowsIn(made.database)).toMatchObject({ consents: 1, links: 1 })
    expect(await users()).toBe(1)
    made.clock.now += 91 * day
    await lookIn()
    made.clock.now += 31 * day
    await lookIn()
    await expect.poll(() => rowsIn(made.database), { timeout: 5000 }).toMatchObject({ consents: 0, links: 0 })
    expect(await users()).toBe(0)
  },
)
test(
  verifies(
    'UIX-35',
    'exchange.chain',
    'a chain that another agent or delegate began, or with another middle, asks the user again',
  ),
  async () => {
    const made = await watchedTwo()
    const { ada } = await connected(made)
    const claims = claimsOf({ auth_token: await upstreamFor(made, ada, 'ada') })
    const from = (change: Record<string, unknown>) =>
      forgeToken(made.upstreamKey, { typ: 'auth+jwt' }, { ...claims, ...change })
    expect(await bodyOf(await exchange(made, { upstream: await from({}), scope: 'rooms.book' }))).toHaveProperty(
      'auth_token',
    )
    for (const change of [
      { agent_delegate: 'laptop' },
      { agent: 'https://other.example' },
      { act: { iss: upstreamIssuer, agent: 'https://above.example' } },
      { act: { iss: upstreamIssuer, agent: 'https://above.example', agent_delegate: 'd' } },
    ]) {
      const upstream = await from(change)
      expect(await bodyOf(await exchange(made, { upstream, scope: 'rooms.book' }))).toHaveProperty('request_token')
    }
  },
)

test(
  verifies('EXC-14', 'exchange.whole', 'an exchange is allowed with its whole scope, whatever the form says'),
  async () => {
    const made = await twoAuthServers({
      exchange: { rules: [{ ...rule, scopes: ['rooms.book', 'rooms.read'], decision: 'consent' }] },
    })
    const ada = person(made)
    const upstream = await upstreamFor(made, ada, 'ada')
    const { request_token } = await bodyOf(await exchange(made, { upstream, scope: 'rooms.read rooms.book' }))
    const query = new URLSearchParams({
      request_token: String(request_token),
      redirect_uri: middleCallback,
      state: 's1',
    })
    await signInAs(ada.at.auth, 'ada')
    const page = await open(ada.at.auth, await throughOne(ada, await open(ada.at.auth, `/agent/authorize?${query}`)))
    const next = await allow(ada.at.auth, page)
    const consent = await open(ada.at.auth, next.headers.get('location') ?? '')
    const html = await consent.clone().text()
    expect(html).not.toContain('type="checkbox"')
    const decided = await allow(ada.at.auth, consent, ['rooms.read'])
    const answer = await bodyOf(await redeem(made, decided, String(request_token)))
    expect(claimsOf(answer)['scope']).toBe('rooms.read rooms.book')
  },
)

test(
  verifies(
    'trust.auth-server.upstream',
    'an auth server publishes agent metadata, with a redirect URI only where it links users',
  ),
  async () => {
    const document = async (o: Parameters<typeof exchangeWorld>[0]) => {
      const { auth } = await exchangeWorld(o)
      return auth.handle({ method: 'GET', target: '/.well-known/aauth-agent', headers: [] })
    }
    expect(await bodyOf(await document({}))).toEqual({
      issuer: 'https://auth.example',
      agent: 'https://auth.example',
      jwks_uri: 'https://auth.example/.well-known/jwks.json',
      redirect_uris: ['https://auth.example/link/callback'],
    })
    for (const rules of [[], [{ ...rule, upstream: 'https://auth.example' }]])
      expect(await bodyOf(await document({ rules }))).not.toHaveProperty('redirect_uris')
  },
)

test('a redirect_uri that is not the middle’s is refused before anything is stored, and is needed', async () => {
  const made = await watchedTwo()
  const ada = person(made)
  const upstream = await upstreamFor(made, ada, 'ada')
  const ask = async (form: Record<string, string>) =>
    send(made, made.middle, {
      request_type: 'exchange',
      upstream_token: upstream,
      resource_token: await roomsToken(made, { claims: { scope: 'rooms.book' } }),
      ...form,
    })
  for (const form of [{}, { redirect_uri: 'https://evil.example/callback' }] as Array<Record<string, string>>) {
    expect(await refusalOf(await ask(form))).toMatchObject(plain(400, 'invalid_request'))
  }
  expect(await rowsIn(made.database)).toMatchObject({ requests: 0 })
  expect(await bodyOf(await ask({ redirect_uri: middleCallback }))).toHaveProperty('request_token')
})

test(
  verifies('revocation.shown', 'the account page says through which agents calls come that access is for'),
  async () => {
    const made = await watchedTwo()
    const { ada } = await connected(made)
    const page = (await (await ada.at.auth.get('/account')).text()).replaceAll(/<[^>]*>/g, '')
    expect(page).toContain('for calls that come through agent.example')
  },
)
