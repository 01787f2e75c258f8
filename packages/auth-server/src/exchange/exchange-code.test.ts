import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { afterAll, expect, test } from 'vitest'
import { postgresForTests } from '../../../store/src/postgres.test.fixture.js'
import { answerOf, browserOf, hiddenOf, open } from '../consent.test.fixture.js'
import { type Browser, browser, signInAs } from '../login/browser.test.fixture.js'
import { textOf } from '../pages/consent-page.test.fixture.js'
import { askUsers } from '../policy.js'
import { migrations, type Tables } from '../tables.js'
import { bodyOf, part, plain, publishResource, refusalOf, type Signer, send } from '../world.test.fixture.js'
import {
  asking,
  type ExchangeWorld,
  exchange,
  exchangeWorld,
  middleCallback,
  middleId,
  publishMiddle,
  roomsToken,
  rowsIn,
  rule,
  signed,
  signerOf,
  upstreamToken,
} from './exchange.test.fixture.js'
import { sqlite, type Watched } from './refused-exchange.test.fixture.js'
import { allow, asksUser, claimsOf, redeem } from './two-auth-servers.test.fixture.js'

const postgres = await postgresForTests(5)
afterAll(() => postgres.drop())
const databases = [
  { name: 'SQLite', away: '', url: sqlite },
  { name: 'PostgreSQL', away: postgres.away, url: () => postgres.newUrl() },
]

const own = 'https://auth.example'
const ownRules = [rule, asking].map(each => ({ ...each, upstream: own }))

/** One auth server for both: the calendar's and rooms'. */
async function ownWorld(o: Parameters<typeof exchangeWorld>[0] = {}): Promise<Watched> {
  const { database = sqlite() } = o
  const policy = askUsers([{ agents: ['https://agent.example'], resources: [middleId] }])
  const made = await exchangeWorld({ rules: ownRules, policy, ...o, database })
  const agent = 'https://agent.example/.well-known/aauth-agent'
  made.web.set(agent, { ...Object(made.web.get(agent)), redirect_uris: ['https://agent.example/callback'] })
  publishResource(made, middleId, [made.middleKey], ['events.write'])
  return { ...made, database }
}

/** Ada's agent gets what it will call the calendar with: the token, and what it is refreshed by. */
async function callAs(
  made: ExchangeWorld,
  one: Browser,
): Promise<{ token: string; refresh_token: string; form: Readonly<Record<string, string>> }> {
  const agent = signerOf('https://agent.example', made.agentKey)
  const resource_token = await signed(made.middleKey, {
    typ: 'resource+jwt',
    claims: {
      ...{ iss: middleId, aud: own, agent: agent.agent, scope: 'events.write', jti: 'r' },
      agent_jkt: await thumbprint(agent.key.publicJwk),
      iat: made.clock.now,
      exp: made.clock.now + 300,
    },
  })
  const redirect_uri = 'https://agent.example/callback'
  const asked = await send(made, agent, { request_type: 'auth', resource_token, redirect_uri, state: 'a1' })
  const { request_token } = await bodyOf(asked)
  const query = new URLSearchParams({ request_token: String(request_token), redirect_uri, state: 'a1' })
  const back = await allow(one, await open(one, `/agent/authorize?${query}`), ['events.write'])
  const code = answerOf(back).searchParams.get('code') ?? ''
  const form = { request_type: 'code', code, request_token: String(request_token), redirect_uri }
  const { auth_token, refresh_token } = await bodyOf(await send(made, agent, form))
  return { token: String(auth_token), refresh_token: String(refresh_token), form }
}

/** Ada agrees to rooms.book on the calendar's behalf; `back` carries the code. */
async function agreed(made: ExchangeWorld, one: Browser, upstream: string) {
  const { link, request_token } = await asksUser(made, upstream)
  const back = await allow(one, await open(one, link))
  return { back, request_token, code: answerOf(back).searchParams.get('code') ?? '' }
}

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'exchange.issued',
      'exchange.no-refresh',
      'exchange.sub',
      'consent.remembered',
      'EXC-19',
      `on ${name}: the same issuer keeps its own user; the code gives what ends with the upstream token, and no grant${away}`,
    ),
    async () => {
      const made = await ownWorld({ database: url() })
      const ada = await browserOf(made, 'ada')
      const { token } = await callAs(made, ada)
      const direct = claimsOf(await bodyOf(await exchange(made, { upstream: token })))
      expect(direct).toMatchObject({ scope: 'rooms.read', sub: part(token, 1)['sub'] })
      made.clock.now += 200
      const { back, request_token } = await agreed(made, ada, token)
      const answer = await bodyOf(await redeem(made, back, request_token))
      expect(Object.keys(answer)).toEqual(['auth_token', 'expires_in'])
      expect(answer['expires_in']).toBe(400)
      expect(claimsOf(answer)).toMatchObject({ exp: part(token, 1)['exp'], sub: part(token, 1)['sub'] })
      // The agent's own grant is the only one there is, and the calendar has nothing that could be refreshed.
      expect(await rowsIn(made.database)).toEqual({ grants: 1, requests: 1, consents: 2, links: 0 })
      const silent = await bodyOf(await exchange(made, { upstream: token, scope: 'rooms.book' }))
      expect(claimsOf(silent)).toMatchObject({ scope: 'rooms.book', sub: part(token, 1)['sub'] })
      await made.auth.close()
    },
  )

  test.skipIf(away !== '')(
    verifies(
      'consent.code',
      `on ${name}: the code of an exchange works once, and a late second use ends the consent${away}`,
    ),
    async () => {
      const made = await ownWorld({ database: url() })
      const ada = await browserOf(made, 'ada')
      const { token } = await callAs(made, ada)
      const { back, request_token } = await agreed(made, ada, token)
      const [first, second] = await Promise.all([redeem(made, back, request_token), redeem(made, back, request_token)])
      const answer = await bodyOf(first)
      // A lost answer is no attack: the same again.
      expect(await bodyOf(second)).toEqual(answer)
      made.clock.now += 30
      expect(await bodyOf(await redeem(made, back, request_token))).toEqual(answer)
      const told = { agent: middleId, scope: ['rooms.book'], request: expect.any(String), user: expect.any(String) }
      expect(made.events.filter(({ type }) => type === 'repeated')).toMatchObject([told, told])
      expect(made.events.filter(event => event.type === 'granted' && event.by === 'exchange')).toHaveLength(1)
      made.clock.now += 31
      expect(await refusalOf(await redeem(made, back, request_token))).toEqual(plain(400, 'invalid_grant'))
      expect(made.events).toContainEqual(
        expect.objectContaining({ type: 'alarm', reason: 'code-reused', agent: middleId, scope: ['rooms.book'] }),
      )
      expect(await bodyOf(await exchange(made, { upstream: token, scope: 'rooms.book' }))).toHaveProperty(
        'request_token',
      )
      await made.auth.close()
    },
  )

  test.skipIf(away !== '')(
    verifies(
      'revoke.ends',
      'EXC-20',
      `on ${name}: a revoked grant and a forgotten consent stop exchanges at once${away}`,
    ),
    async () => {
      const made = await ownWorld({ database: url() })
      const ada = await browserOf(made, 'ada')
      const { token, refresh_token } = await callAs(made, ada)
      const { back, request_token } = await agreed(made, ada, token)
      const store = await openStore<Tables>({ url: made.database, room: 'auth_server', migrations })
      await store.write(tx => tx.deleteFrom('auth_server_consents').where('chain', '!=', '').execute())
      await store.close()
      const asked = await bodyOf(await exchange(made, { upstream: token, scope: 'rooms.book' }))
      expect(asked).toHaveProperty('request_token')
      expect((await exchange(made, { upstream: token })).status).toBe(200)
      const agent = signerOf('https://agent.example', made.agentKey)
      expect((await send(made, agent, { token: refresh_token }, { target: '/agent/revoke' })).status).toBe(200)
      expect(await refusalOf(await exchange(made, { upstream: token }))).toEqual(plain(400, 'invalid_auth_token'))
      expect(await refusalOf(await redeem(made, back, request_token))).toEqual(plain(400, 'invalid_auth_token'))
      // A grant of another user or resource does not stand in for it.
      const { token: other } = await callAs(made, await browserOf(made, 'grace'))
      expect((await exchange(made, { upstream: other })).status).toBe(200)
      expect(await refusalOf(await exchange(made, { upstream: token }))).toEqual(plain(400, 'invalid_auth_token'))
      await made.auth.close()
    },
  )
}

test(
  verifies(
    'revoke.ends',
    'consent.remembered',
    'who let the agent in again is asked again about what it passes on, and others are not',
  ),
  async () => {
    const made = await ownWorld()
    const [ada, grace] = [await browserOf(made, 'ada'), await browserOf(made, 'grace')]
    const calls = [await callAs(made, ada), await callAs(made, grace)]
    for (const [n, one] of [ada, grace].entries()) {
      const { back, request_token } = await agreed(made, one, calls[n]?.token ?? '')
      expect((await redeem(made, back, request_token)).status).toBe(200)
    }
    const agent = signerOf('https://agent.example', made.agentKey)
    const token = calls[0]?.refresh_token ?? ''
    expect((await send(made, agent, { token }, { target: '/agent/revoke' })).status).toBe(200)
    const book = async (upstream: string) => bodyOf(await exchange(made, { upstream, scope: 'rooms.book' }))
    expect(await book((await callAs(made, ada)).token)).toHaveProperty('request_token')
    expect(await book(calls[1]?.token ?? '')).toHaveProperty('auth_token')
  },
)

test(verifies('revoke.ends', 'a grant and what was passed on of it end together or not at all'), async () => {
  const made = await ownWorld()
  const ada = await browserOf(made, 'ada')
  const { token: upstream, refresh_token } = await callAs(made, ada)
  const { back, request_token } = await agreed(made, ada, upstream)
  expect((await redeem(made, back, request_token)).status).toBe(200)
  const store = await openStore<Tables>({ url: made.database, room: 'auth_server', migrations })
  const statement = (sql: string) =>
    store.write(tx => tx.executeQuery({ ...tx.selectFrom('auth_server_grants').select('id').compile(), sql }))
  await statement(`create trigger held before delete on auth_server_consents
    when old.chain <> '' begin select raise(abort, 'held'); end`)
  const agent = signerOf('https://agent.example', made.agentKey)
  const revoke = async () => (await send(made, agent, { token: refresh_token }, { target: '/agent/revoke' })).status
  expect(await revoke()).toBe(500)
  expect(await rowsIn(made.database)).toMatchObject({ grants: 1, consents: 2 })
  // Whoever was told of a failure asks again: were the grant gone already, nobody would look for the rest.
  await statement('drop trigger held')
  expect(await revoke()).toBe(200)
  expect(await rowsIn(made.database)).toMatchObject({ grants: 0, consents: 0 })
  await store.close()
})

test(
  verifies(
    'code.reuse',
    'revoke.ends',
    'a grant that ends because its code was stolen takes along what was passed on of it',
  ),
  async () => {
    const made = await ownWorld()
    const ada = await browserOf(made, 'ada')
    const { token, form } = await callAs(made, ada)
    const { back, request_token } = await agreed(made, ada, token)
    expect((await redeem(made, back, request_token)).status).toBe(200)
    const book = async (upstream: string) => bodyOf(await exchange(made, { upstream, scope: 'rooms.book' }))
    expect(await book((await callAs(made, ada)).token)).toHaveProperty('auth_token')
    made.clock.now += 61
    const agent = signerOf('https://agent.example', made.agentKey)
    expect(await refusalOf(await send(made, agent, form))).toEqual(plain(400, 'invalid_grant'))
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'alarm', reason: 'code-reused' }))
    expect(await book((await callAs(made, ada)).token)).toHaveProperty('request_token')
  },
)

test(verifies('INT-08', 'link.same-user', 'at the same issuer nobody but the user it is for decides'), async () => {
  const made = await ownWorld()
  const ada = await browserOf(made, 'ada')
  const { token } = await callAs(made, ada)
  const { link, request_token } = await asksUser(made, token)
  const grace = await browserOf(made, 'grace')
  const page = await open(grace, link)
  expect(page.status).toBe(403)
  expect(textOf(await page.text())).toContain('on behalf of somebody else')
  const form = { csrf: await grace.csrf('/login'), request_token, decision: 'allow' }
  expect((await grace.post('/agent/consent', form)).status).toBe(403)
  // What she cannot allow she cannot refuse in somebody's place either.
  expect((await grace.post('/agent/consent', { ...form, decision: 'deny' })).status).toBe(403)
  expect(await rowsIn(made.database)).toEqual({ grants: 1, requests: 1, consents: 1, links: 0 })
  const { back, request_token: twin } = await agreed(made, ada, token)
  expect((await redeem(made, back, twin)).status).toBe(200)
})

test('one user finishing what another began: the page is the first’s, and the second’s sign-in decides nothing', async () => {
  const made = await ownWorld()
  const ada = await browserOf(made, 'ada')
  const { token } = await callAs(made, ada)
  const { link } = await asksUser(made, token)
  const form = { ...hiddenOf(await (await open(ada, link)).text()), decision: 'allow' }
  await signInAs(ada, 'grace')
  const csrf = await ada.csrf('/login')
  expect((await ada.post('/agent/consent', { ...form, csrf })).status).toBe(403)
  await signInAs(ada, 'ada')
  expect((await ada.post('/agent/consent', { ...form, csrf: await ada.csrf('/login') })).status).toBe(303)
})

test(
  verifies(
    'exchange.issued',
    'an upstream token that ended while the user thought gives nothing, and the next one is not asked about',
  ),
  async () => {
    const made = await ownWorld()
    const ada = await browserOf(made, 'ada')
    const { token, refresh_token } = await callAs(made, ada)
    made.clock.now += 580
    const { link, request_token } = await asksUser(made, token)
    const page = await open(ada, link)
    made.clock.now += 30
    const back = await allow(ada, page)
    expect(await refusalOf(await redeem(made, back, request_token))).toEqual(plain(400, 'invalid_grant'))
    const agent = signerOf('https://agent.example', made.agentKey)
    const { auth_token } = await bodyOf(await send(made, agent, { request_type: 'refresh', refresh_token }))
    const answer = await bodyOf(await exchange(made, { upstream: String(auth_token), scope: 'rooms.book' }))
    expect(claimsOf(answer)).toMatchObject({ scope: 'rooms.book' })
  },
)

test('a code is good for its own middle, request and redirect_uri only', async () => {
  const made = await ownWorld()
  const other = { kid: 'o1', key: await generateSigningKey() }
  publishMiddle(made, 'https://other.example', other)
  const ada = await browserOf(made, 'ada')
  const { token } = await callAs(made, ada)
  const { back, request_token, code } = await agreed(made, ada, token)
  const { request_token: another } = await asksUser(made, token).catch(() => ({ request_token: 'none' }))
  const form = { request_type: 'code', code, request_token, redirect_uri: middleCallback }
  const wrong: ReadonlyArray<readonly [Signer, Record<string, string>]> = [
    [signerOf('https://other.example', other), form],
    [made.middle, { ...form, redirect_uri: 'https://calendar.example/other' }],
    [made.middle, { ...form, request_token: another }],
    [made.middle, { ...form, code: `${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}` }],
  ]
  for (const [signer, fields] of wrong) {
    expect(await refusalOf(await send(made, signer, fields))).toEqual(plain(400, 'invalid_grant'))
  }
  expect((await redeem(made, back, request_token)).status).toBe(200)
})

test(
  verifies('EXC-20', 'exchange.rule', 'a rule or policy withdrawn while the user decides holds for the code'),
  async () => {
    const block = new Set<string>()
    const lists = askUsers([{ agents: ['https://agent.example'], resources: [middleId] }])
    const made = await ownWorld({ policy: request => (block.has(request.agent) ? 'deny' : lists(request)) })
    const ada = await browserOf(made, 'ada')
    const { token } = await callAs(made, ada)
    const { back, request_token } = await agreed(made, ada, token)
    block.add(middleId)
    expect(await refusalOf(await redeem(made, back, request_token))).toEqual(plain(403, 'access_denied'))
    block.clear()
    // Restarted with fewer rules, on the same database.
    const fewer = await exchangeWorld({
      rules: [{ ...rule, upstream: own }],
      database: made.database,
      clock: made.clock,
    })
    for (const [url, document] of made.web) fewer.web.set(url, document)
    const redeemAt = (at: ExchangeWorld) => redeem({ ...made, auth: at.auth }, back, request_token)
    expect(await refusalOf(await redeemAt(fewer))).toEqual(plain(403, 'access_denied'))
    const none = await exchangeWorld({ rules: [], database: made.database, clock: made.clock })
    for (const [url, document] of made.web) none.web.set(url, document)
    expect(await refusalOf(await redeemAt(none))).toEqual(plain(400, 'invalid_grant'))
    const page = await browser(none.auth, own).get('/.well-known/aauth-agent')
    expect(page.status).toBe(404)
    expect((await redeemAt(made)).status).toBe(200)
  },
)

test('what is asked for may be about the user: then they are asked, whatever the rule says', async () => {
  const made = await ownWorld({ rules: [{ ...rule, upstream: own, scopes: ['rooms.read', 'profile'] }] })
  const ada = await browserOf(made, 'ada')
  const { token } = await callAs(made, ada)
  const ask = async () =>
    bodyOf(
      await exchange(made, {
        upstream: token,
        resource: await roomsToken(made, { claims: { scope: 'rooms.read profile' } }),
      }),
    )
  const { request_token } = await ask()
  const query = new URLSearchParams({ request_token: String(request_token), redirect_uri: middleCallback, state: 's1' })
  const back = await allow(ada, await open(ada, `/agent/authorize?${query}`))
  const claims = claimsOf(await bodyOf(await redeem(made, back, String(request_token))))
  expect(claims).toMatchObject({ scope: 'rooms.read', name: 'Ada' })
  expect(claimsOf(await ask())).toMatchObject({ scope: 'rooms.read', name: 'Ada' })
})

test(verifies('consent.remembered', 'an exchange’s consent is none for what the middle asks by itself'), async () => {
  const lists = askUsers([{ agents: 'any', resources: 'any' }])
  const made = await ownWorld({ policy: lists })
  const ada = await browserOf(made, 'ada')
  const { token } = await callAs(made, ada)
  const { back, request_token } = await agreed(made, ada, token)
  expect((await redeem(made, back, request_token)).status).toBe(200)
  const resource_token = await roomsToken(made, { claims: { scope: 'rooms.book' } })
  const form = { request_type: 'auth', resource_token, redirect_uri: middleCallback, state: 's1' }
  const asked = await bodyOf(await send(made, made.middle, form))
  const query = new URLSearchParams({
    request_token: String(asked['request_token']),
    redirect_uri: middleCallback,
    state: 's1',
  })
  const page = await open(ada, `/agent/authorize?${query}`)
  expect(page.status).toBe(200)
  expect(await page.text()).toContain('name="scope:rooms.book"')
})

test(
  verifies('exchange.sub', 'an issuer that shares its subjects: its user is ours of that sub, and nobody else decides'),
  async () => {
    const made = await ownWorld({ exchange: { rules: [asking], dangerouslySharedSubjects: [asking.upstream] } })
    const ada = await browserOf(made, 'ada')
    const grace = await browserOf(made, 'grace')
    const [first] = made.events
    const sub = first?.type === 'signed_in' ? first.sub : ''
    const upstream = await upstreamToken(made, { claims: { sub } })
    const { link } = await asksUser(made, upstream)
    expect((await open(grace, link)).status).toBe(403)
    const { back, request_token } = await agreed(made, ada, upstream)
    expect(claimsOf(await bodyOf(await redeem(made, back, request_token)))).toMatchObject({ sub, scope: 'rooms.book' })
    // Where nobody is called that here, nobody can agree.
    const stranger = await upstreamToken(made, { claims: { sub: 'ada' } })
    const other = await asksUser(made, stranger)
    expect((await open(ada, other.link)).status).toBe(403)
    expect(await rowsIn(made.database)).toMatchObject({ consents: 1, links: 0, grants: 0 })
  },
)
