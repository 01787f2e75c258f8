import { verifies } from '@countersign/requirements'
import { signInAs } from '@countersign/testing/auth/browser'
import { answerOf, open } from '@countersign/testing/auth/consent'
import { textOf } from '@countersign/testing/auth/consent-page'
import { exchange, middleCallback, rowsIn, upstreamIssuer } from '@countersign/testing/auth/exchange'
import {
  allow,
  asksUser,
  atLinkPage,
  claimsOf,
  connected,
  type Person,
  person,
  redeem,
  type TwoAuthServers,
  throughOne,
  upstreamFor,
  watchedTwo,
} from '@countersign/testing/auth/two-auth-servers'
import { hiddenFields } from '@countersign/testing/browser'
import { bodyOf } from '@countersign/testing/responses'
import { forgeToken } from '@countersign/testing/world/tokens'
import { expect, test } from 'vitest'

/** A mandate of the same user through another chain, so that they are asked again. */
async function throughAnother(made: TwoAuthServers, ada: Person): Promise<string> {
  const token = await upstreamFor(made, ada, 'ada')
  const claims = { ...claimsOf({ auth_token: token }), agent_delegate: 'another' }
  return forgeToken(made.upstreamKey, { typ: 'auth+jwt' }, claims)
}

test(
  verifies(
    'link.same-user',
    'link.asks',
    'exchange.sub',
    'exchange.issued',
    'exchange.no-refresh',
    'consent.remembered',
    'EXC-19',
    'the user signs in at both auth servers, connects the accounts, allows the exchange once, and is not asked again',
  ),
  async () => {
    const made = await watchedTwo()
    const ada = person(made)
    const upstream = await upstreamFor(made, ada, 'ada')
    const { sub } = claimsOf({ auth_token: upstream })
    const { link, request_token } = await asksUser(made, upstream)

    await signInAs(ada.at.auth, 'ada')
    const departure = await open(ada.at.auth, link)
    expect(made.posts).toEqual([
      {
        request_type: 'auth',
        scope: 'openid',
        redirect_uri: 'https://auth.example/link/callback',
        state: expect.stringMatching(/^[\w-]{20,}$/),
      },
    ])
    const back = await throughOne(ada, departure)
    const asked = await open(ada.at.auth, back)
    const linkPage = await asked.clone().text()
    expect(textOf(linkPage)).toContain('Are both accounts yours?')
    expect(textOf(linkPage)).toContain(`You have just signed in at one.example account ${String(sub)}`)
    expect(textOf(linkPage)).toContain('You are signed in here, at auth.example as Ada')
    expect(await rowsIn(made.database)).toEqual({ grants: 0, requests: 1, consents: 0, links: 0 })

    const connected = await allow(ada.at.auth, asked)
    expect(await rowsIn(made.database)).toEqual({ grants: 0, requests: 1, consents: 0, links: 1 })
    const consent = await open(ada.at.auth, connected.headers.get('location') ?? '')
    const page = textOf(await consent.clone().text())
    expect(page).toContain('calendar.example asks for your access to rooms.example')
    expect(page).toContain('agent.example began it')
    expect(page).toContain('as one.example allowed')
    expect(page).toContain('is asked next, if you allow it here at auth.example')
    const decided = await allow(ada.at.auth, consent)
    expect(answerOf(decided).origin + answerOf(decided).pathname).toBe(middleCallback)
    expect(answerOf(decided).searchParams.get('iss')).toBe('https://auth.example')

    const answer = await bodyOf(await redeem(made, decided, request_token))
    expect(Object.keys(answer)).toEqual(['auth_token', 'expires_in'])
    const claims = claimsOf(answer)
    expect(claims).toMatchObject({ scope: 'rooms.book', agent: 'https://calendar.example' })
    expect(claims['sub']).not.toBe(sub)
    expect(claims['act']).toEqual({ iss: 'https://one.example', agent: 'https://agent.example' })
    expect(await rowsIn(made.database)).toEqual({ grants: 0, requests: 1, consents: 1, links: 1 })

    made.clock.now += 120
    const later = await upstreamFor(made, ada, 'ada')
    const again = await bodyOf(await exchange(made, { upstream: later, scope: 'rooms.book' }))
    expect(claimsOf(again)).toMatchObject({ scope: 'rooms.book', sub: claims['sub'] })
    expect(made.events.filter(({ type }) => type === 'linked' || type === 'granted')).toMatchObject([
      { type: 'linked', upstream: { iss: upstreamIssuer, sub } },
      { type: 'granted', by: 'exchange', decision: 'code' },
      { type: 'granted', by: 'exchange', decision: 'remembered' },
    ])
    expect(JSON.stringify(made.events)).not.toContain(upstream)
    expect(made.posts).toHaveLength(2)
  },
)

test(
  verifies(
    'INT-08',
    'INT-16',
    'a sign-in at the other auth server as another user gets an error page, and nothing is linked',
  ),
  async () => {
    const made = await watchedTwo()
    const ada = person(made)
    const { link } = await asksUser(made, await upstreamFor(made, ada, 'ada'))
    // Ada's agent sent its link to a user who is Eve at the other auth server.
    const eve = person(made)
    await signInAs(eve.at.auth, 'grace')
    await signInAs(eve.at.one, 'eve')
    const back = await throughOne(eve, await open(eve.at.auth, link))
    const page = await eve.at.auth.get(back)
    expect(page.status).toBe(403)
    expect(textOf(await page.text())).toContain('for another user than the one who is signed in')
    expect(made.events.at(-1)).toMatchObject({ type: 'refused', code: 'access_denied' })
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'link_refused', reason: 'other-user' }))
    expect(await rowsIn(made.database)).toMatchObject({ grants: 0, consents: 0, links: 0 })
    // Once: the callback URL does not work a second time.
    expect((await eve.at.auth.get(back)).status).toBe(403)
    const { answer } = await connected(made)
    expect(claimsOf(answer)).toHaveProperty('sub')
  },
)

test(
  verifies(
    'link.same-user',
    'once linked, only the linked user decides, without another sign-in at the other auth server',
  ),
  async () => {
    const made = await watchedTwo()
    const { ada, upstream, answer } = await connected(made)
    const { sub } = claimsOf(answer)
    const other = await throughAnother(made, ada)
    const { link, request_token } = await asksUser(made, other)
    const grace = person(made)
    await signInAs(grace.at.auth, 'grace')
    const page = await open(grace.at.auth, link)
    expect(page.status).toBe(403)
    // Not by posting the form either.
    const form = {
      csrf: await grace.at.auth.csrf('/login'),
      request_token,
      decision: 'allow',
      'scope:rooms.book': 'on',
    }
    expect((await grace.at.auth.post('/agent/consent', form)).status).toBe(403)
    expect((await grace.at.auth.post('/agent/link', form)).status).toBe(403)
    expect(await rowsIn(made.database)).toMatchObject({ consents: 1, links: 1 })

    const twin = await asksUser(made, other)
    const posts = made.posts.length
    // Whoever opened hers first keeps it from her neither.
    expect((await open(grace.at.auth, twin.link)).status).toBe(403)
    const decided = await allow(ada.at.auth, await open(ada.at.auth, twin.link))
    expect(claimsOf(await bodyOf(await redeem(made, decided, twin.request_token)))['sub']).toBe(sub)
    expect(made.posts).toHaveLength(posts)
    expect(upstream).not.toBe(other)
  },
)

test(verifies('link.same-user', 'a sign-in that another browser or user began proves nothing'), async () => {
  const made = await watchedTwo()
  const ada = person(made)
  const { link } = await asksUser(made, await upstreamFor(made, ada, 'ada'))
  await signInAs(ada.at.auth, 'ada')
  const back = await throughOne(ada, await open(ada.at.auth, link))
  const stranger = person(made)
  await signInAs(stranger.at.auth, 'grace')
  expect((await stranger.at.auth.get(back)).status).toBe(403)
  for (const change of ['state=x', 'iss=https%3A%2F%2Fauth.example']) {
    const [name = ''] = change.split('=')
    const wrong = back.replace(new RegExp(`${name}=[^&]*`), change)
    const kept = new Map(ada.at.auth.cookies)
    expect((await ada.at.auth.get(wrong)).status, change).toBe(403)
    for (const [cookie, value] of kept) ada.at.auth.cookies.set(cookie, value)
  }
  const twice = `${back}&${new URLSearchParams({ state: new URLSearchParams(back.split('?')[1]).get('state') ?? '' })}`
  expect((await ada.at.auth.get(twice)).status).toBe(403)
  // One user finishing what another began in the same browser.
  const kept = new Map(ada.at.auth.cookies)
  await signInAs(ada.at.auth, 'grace')
  expect((await ada.at.auth.get(back)).status).toBe(403)
  expect(await rowsIn(made.database)).toMatchObject({ consents: 0, links: 0 })
  for (const [cookie, value] of kept) ada.at.auth.cookies.set(cookie, value)
  await signInAs(ada.at.auth, 'ada')
  expect((await ada.at.auth.get(back)).status).toBe(303)
})

test(
  verifies('INT-17', 'a form from another page, or before the sign-in at the other auth server, links nothing'),
  async () => {
    const made = await watchedTwo()
    const { ada, request_token, page, link } = await atLinkPage(made)
    const hidden = hiddenFields(await page.clone().text())
    const form = { ...hidden, decision: 'allow' }
    const post = (fields: Record<string, string>, headers?: Record<string, string>) =>
      ada.at.auth.post('/agent/link', fields, headers)
    expect((await post({ ...form, csrf: 'x' })).status).toBe(403)
    expect((await post(form, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await post({ ...form, decision: 'perhaps' })).status).toBe(400)
    const other = await asksUser(made, await upstreamFor(made, ada, 'ada'))
    await open(ada.at.auth, other.link)
    // Proven for one request is not proven for another: there, the other auth server is asked again.
    expect((await post({ ...form, request_token: other.request_token })).status).toBe(403)
    expect(await rowsIn(made.database)).toMatchObject({ links: 0 })
    await open(ada.at.auth, link)
    expect((await post({ ...form, request_token })).status).toBe(303)
    expect(await rowsIn(made.database)).toMatchObject({ links: 1 })
  },
)

test(verifies('link.asks', 'a user who does not want their accounts connected refuses the request'), async () => {
  const made = await watchedTwo()
  const { ada, page } = await atLinkPage(made)
  const refused = await ada.at.auth.post('/agent/link', { ...hiddenFields(await page.text()), decision: 'deny' })
  expect(answerOf(refused).searchParams.get('error')).toBe('access_denied')
  expect(answerOf(refused).searchParams.get('state')).toBe('s1')
  expect(await rowsIn(made.database)).toMatchObject({ links: 0, consents: 0, grants: 0 })
  expect(made.events).toContainEqual(expect.objectContaining({ type: 'link_refused', reason: 'declined' }))
})

test(
  verifies(
    'consent.told',
    'UIX-37',
    'an upstream issuer that is unreachable is an error page, one that refuses is told',
  ),
  async () => {
    const made = await watchedTwo()
    const ada = person(made)
    const { link } = await asksUser(made, await upstreamFor(made, ada, 'ada'))
    await signInAs(ada.at.auth, 'ada')
    made.reach = 'is down'
    const away = await open(ada.at.auth, link)
    expect(away.status).toBe(503)
    expect(away.headers.get('retry-after')).toBe('5')
    made.reach = 'answers'
    const departure = await open(ada.at.auth, link)
    const location = new URL(departure.headers.get('location') ?? '')
    const page = await open(ada.at.one, `${location.pathname}${location.search}`)
    const form = { ...hiddenFields(await page.text()), decision: 'deny' }
    const back = answerOf(await ada.at.one.post('/agent/consent', form))
    const told = answerOf(await ada.at.auth.get(`${back.pathname}${back.search}`))
    expect([told.href.split('?')[0], told.searchParams.get('error')]).toEqual([middleCallback, 'access_denied'])
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'link_refused', reason: 'no-sign-in' }))
    // Who said no there has not proven to be the user whom it is for: the request waits on.
    expect((await ada.at.auth.get(await throughOne(ada, await open(ada.at.auth, link)))).status).toBe(303)
  },
)

test('a user who reloads the sign-in is stopped before this server’s limit at the other auth server is used up', async () => {
  const made = await watchedTwo()
  const ada = person(made)
  const { link } = await asksUser(made, await upstreamFor(made, ada, 'ada'))
  await signInAs(ada.at.auth, 'ada')
  const statuses: number[] = []
  for (let count = 0; count < 7; count++) statuses.push((await open(ada.at.auth, link)).status)
  expect(statuses).toEqual([303, 303, 303, 303, 303, 429, 429])
  expect(made.posts).toHaveLength(5)
})
