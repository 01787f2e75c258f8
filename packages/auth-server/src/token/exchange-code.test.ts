import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { browser, signInAs } from '@countersign/testing/auth/browser'
import { browserOf, open } from '@countersign/testing/auth/consent'
import { textOf } from '@countersign/testing/auth/consent-page'
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
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { agreed, callAs, own, ownWorld } from '@countersign/testing/auth/own-world'
import { allow, asksUser, claimsOf, redeem } from '@countersign/testing/auth/two-auth-servers'
import { agentServer, type Signer, send, signerOf } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { databasesForTests } from '@countersign/testing/databases'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { askUsers } from '../policy/policies.js'

const databases = await databasesForTests(5, 'both')

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'exchange.issued',
      'exchange.no-refresh',
      'exchange.sub',
      'consent.remembered',
      'EXC-19',
      `on ${name}: at the same issuer the code gives a token for the same user that ends with the upstream token, and no grant${away}`,
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
      expect(await refusalOf(await redeem(made, back, request_token))).toEqual(
        plain(400, 'invalid_grant', 'grant_invalid'),
      )
      expect(made.events).toContainEqual(
        expect.objectContaining({ type: 'alarm', reason: 'code-reused', agent: middleId, scope: ['rooms.book'] }),
      )
      expect(await bodyOf(await exchange(made, { upstream: token, scope: 'rooms.book' }))).toHaveProperty(
        'request_token',
      )
      await made.auth.close()
    },
  )
}

test(
  verifies('INT-08', 'link.same-user', 'at the same issuer only the user whom the exchange is for decides'),
  async () => {
    const made = await ownWorld()
    const ada = await browserOf(made, 'ada')
    const { token } = await callAs(made, ada)
    const { link, request_token } = await asksUser(made, token)
    const grace = await browserOf(made, 'grace')
    const page = await open(grace, link)
    expect(page.status).toBe(403)
    expect(textOf(await page.text())).toContain('for another user than the one who is signed in')
    const form = { csrf: await grace.csrf('/login'), request_token, decision: 'allow' }
    expect((await grace.post('/agent/consent', form)).status).toBe(403)
    // She can neither allow nor refuse in the other user's place.
    expect((await grace.post('/agent/consent', { ...form, decision: 'deny' })).status).toBe(403)
    expect(await rowsIn(made.database)).toEqual({ grants: 1, requests: 1, consents: 1, links: 0 })
    // That she opened it first keeps it from nobody: the user whom it is for decides in a browser of their own.
    expect((await open(ada, link)).status).toBe(200)
    const { back, request_token: twin } = await agreed(made, ada, token)
    expect((await redeem(made, back, twin)).status).toBe(200)
  },
)

test('a second user in the same browser cannot decide the exchange of the first', async () => {
  const made = await ownWorld()
  const ada = await browserOf(made, 'ada')
  const { token } = await callAs(made, ada)
  const { link } = await asksUser(made, token)
  const form = { ...hiddenFields(await (await open(ada, link)).text()), decision: 'allow' }
  await signInAs(ada, 'grace')
  const csrf = await ada.csrf('/login')
  expect((await ada.post('/agent/consent', { ...form, csrf })).status).toBe(403)
  await signInAs(ada, 'ada')
  expect((await ada.post('/agent/consent', { ...form, csrf: await ada.csrf('/login') })).status).toBe(303)
})

test(
  verifies(
    'exchange.issued',
    'a code whose upstream token has expired is refused, and the consent is kept for the next one',
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
    expect(await refusalOf(await redeem(made, back, request_token))).toEqual(
      plain(400, 'invalid_grant', 'upstream_expired'),
    )
    const agent = agentServer(made)
    const { auth_token } = await bodyOf(await send(made, agent, { request_type: 'refresh', refresh_token }))
    const answer = await bodyOf(await exchange(made, { upstream: String(auth_token), scope: 'rooms.book' }))
    expect(claimsOf(answer)).toMatchObject({ scope: 'rooms.book' })
  },
)

test('a code works for its own middle, request and redirect_uri only', async () => {
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
    expect(await refusalOf(await send(made, signer, fields))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
  }
  expect((await redeem(made, back, request_token)).status).toBe(200)
})

test(verifies('EXC-20', 'exchange.rule', 'rules and policy are asked again when the code is redeemed'), async () => {
  const block = new Set<string>()
  const lists = askUsers([{ agents: ['https://agent.example'], resources: [middleId] }])
  const made = await ownWorld({ policy: request => (block.has(request.agent) ? 'deny' : lists(request)) })
  const ada = await browserOf(made, 'ada')
  const { token } = await callAs(made, ada)
  const { back, request_token } = await agreed(made, ada, token)
  block.add(middleId)
  expect(await refusalOf(await redeem(made, back, request_token))).toEqual(
    plain(403, 'access_denied', 'policy_refused'),
  )
  block.clear()
  // Restarted with fewer rules, on the same database.
  const fewer = await exchangeWorld({
    rules: [{ ...rule, upstream: own }],
    database: made.database,
    clock: made.clock,
  })
  for (const [url, document] of made.web) fewer.web.set(url, document)
  const redeemAt = (at: ExchangeWorld) => redeem({ ...made, auth: at.auth }, back, request_token)
  expect(await refusalOf(await redeemAt(fewer))).toEqual(plain(403, 'access_denied', 'exchange_not_allowed'))
  const none = await exchangeWorld({ rules: [], database: made.database, clock: made.clock })
  for (const [url, document] of made.web) none.web.set(url, document)
  expect(await refusalOf(await redeemAt(none))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
  const page = await browser(none.auth, own).get('/.well-known/aauth-agent')
  expect(await page.json()).not.toHaveProperty('redirect_uris')
  expect((await redeemAt(made)).status).toBe(200)
})

test('identity scopes ask the user, whatever the rule says', async () => {
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

test(verifies('consent.remembered', 'consent to an exchange is no consent to the middle’s own requests'), async () => {
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
  verifies('exchange.sub', 'a user of an issuer with shared subjects is the user of that sub here, and alone decides'),
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
    // Without a user of that sub here, no user can agree.
    const stranger = await upstreamToken(made, { claims: { sub: 'ada' } })
    const other = await asksUser(made, stranger)
    expect((await open(ada, other.link)).status).toBe(403)
    expect(await rowsIn(made.database)).toMatchObject({ consents: 1, links: 0, grants: 0 })
  },
)
