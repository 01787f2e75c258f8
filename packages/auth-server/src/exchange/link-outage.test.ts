import { verifies } from '@countersign/requirements'
import { signInAs } from '@countersign/testing/auth/browser'
import { answerOf, open } from '@countersign/testing/auth/consent'
import { asking, exchange, exchangeWorld, rule } from '@countersign/testing/auth/exchange'
import {
  allow,
  asksUser,
  atLinkPage,
  claimsOf,
  person,
  redeem,
  throughOne,
  twoAuthServers,
  upstreamFor,
  watchedTwo,
} from '@countersign/testing/auth/two-auth-servers'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(
  verifies('F-52', 'link.same-user', 'an upstream issuer that hangs holds no browser longer than the deadline'),
  async () => {
    const made = await twoAuthServers({ exchange: { rules: [rule, asking], deadline: 0.2 } })
    const ada = person(made)
    const { link } = await asksUser(made, await upstreamFor(made, ada, 'ada'))
    await signInAs(ada.at.auth, 'ada')
    const stuck = async (path: string): Promise<void> => {
      made.reach = 'hangs'
      const began = performance.now()
      const page = await open(ada.at.auth, path)
      expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5'])
      expect(performance.now() - began).toBeLessThan(3000)
      made.reach = 'answers'
    }
    await stuck(link)
    await stuck(await throughOne(ada, await open(ada.at.auth, link)))
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'link_refused', reason: 'no-sign-in' }))
    const back = await throughOne(ada, await open(ada.at.auth, link))
    expect((await ada.at.auth.get(back)).status).toBe(303)
    for (const deadline of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2_147_484, 600.1])
      await expect(exchangeWorld({ exchange: { rules: [rule], deadline } })).rejects.toBeInstanceOf(RangeError)
    await expect(exchangeWorld({ exchange: { rules: [rule], deadline: 600 } })).resolves.toBeDefined()
  },
)

test(verifies('link.same-user', 'link.asks', 'a user finishes though the server restarts at any step'), async () => {
  const made = await watchedTwo()
  const ada = person(made)
  const { link, request_token } = await asksUser(made, await upstreamFor(made, ada, 'ada'))
  await made.restart()
  await signInAs(ada.at.auth, 'ada')
  const departure = await open(ada.at.auth, link)
  await made.restart()
  const back = await throughOne(ada, departure)
  await made.restart()
  const linkPage = await open(ada.at.auth, back)
  await made.restart()
  const next = await allow(ada.at.auth, linkPage)
  const consent = await open(ada.at.auth, next.headers.get('location') ?? '')
  await made.restart()
  const decided = await allow(ada.at.auth, consent)
  await made.restart()
  expect(claimsOf(await bodyOf(await redeem(made, decided, request_token)))).toMatchObject({ scope: 'rooms.book' })
  // One departure, one sign-in: nothing was asked twice.
  expect(made.posts.map(form => form['request_type'])).toEqual(['auth', 'code'])
  await made.auth.close()
})

test(
  verifies(
    'consent.remembered',
    'if the browser was closed after its user had agreed, a later retry does not ask again',
  ),
  async () => {
    const made = await watchedTwo()
    const { ada, upstream, page } = await atLinkPage(made)
    const next = await allow(ada.at.auth, page)
    const consent = await open(ada.at.auth, next.headers.get('location') ?? '')
    const retry = async (): Promise<Record<string, unknown>> =>
      bodyOf(await exchange(made, { upstream, scope: 'rooms.book' }))
    // The browser was closed before: no user has agreed.
    expect(await retry()).toHaveProperty('request_token')
    const decided = await allow(ada.at.auth, consent)
    expect(answerOf(decided).searchParams.has('code')).toBe(true)
    // The redirect is not followed: its code expires unused.
    made.clock.now += 120
    const answer = await retry()
    expect(Object.keys(answer)).toEqual(['auth_token', 'expires_in'])
    expect(claimsOf(answer)).toMatchObject({ scope: 'rooms.book', sub: expect.any(String) })
    expect(made.events.at(-1)).toMatchObject({ type: 'granted', by: 'exchange', decision: 'remembered' })
  },
)
