import { verifies } from '@countersign/requirements'
import { type Browser, signInAs } from '@countersign/testing/auth/browser'
import { answerOf, browserOf, open } from '@countersign/testing/auth/consent'
import {
  asking,
  downstreamId,
  exchangeWorld,
  middleId,
  rowsIn,
  rule,
  upstreamIssuer,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import {
  asksUser,
  atLinkPage,
  connected,
  person,
  type TwoAuthServers,
  throughOne,
  upstreamFor,
  watchedTwo,
} from '@countersign/testing/auth/two-auth-servers'
import { hiddenFields } from '@countersign/testing/browser'
import { expect, test } from 'vitest'

/** Declines on the link page, as the user who is signed in. */
async function refuse(one: Browser, request_token: string): Promise<Response> {
  return one.post('/agent/link', { csrf: await one.csrf('/login'), request_token, decision: 'deny' })
}

/** What the audit log has of one request. */
const recordsOf = ({ events }: Pick<TwoAuthServers, 'events'>, type: string): unknown[] =>
  events.filter(event => event.type === type)

/** What every record of a request names. */
const asked = {
  request: expect.stringMatching(/^[0-9a-f-]{36}$/),
  agent: middleId,
  resource: downstreamId,
  scope: ['rooms.book'],
}

test(verifies('link.same-user', 'only the user whom an exchange is for may refuse it: not linked yet'), async () => {
  const made = await watchedTwo()
  const { link, request_token } = await asksUser(made, await upstreamFor(made, person(made), 'ada'))
  const grace = person(made)
  await signInAs(grace.at.auth, 'grace')
  expect((await open(grace.at.auth, link)).status).toBe(303)
  expect((await refuse(grace.at.auth, request_token)).status).toBe(403)
  expect(recordsOf(made, 'declined')).toEqual([])
  expect(recordsOf(made, 'link_refused')).toMatchObject([{ ...asked, reason: 'other-user' }])
  // In Ada's own browser neither, after she has proven who she is.
  const { ada, request_token: hers, page } = await atLinkPage(made)
  const form = { ...hiddenFields(await page.text()), decision: 'deny' }
  await signInAs(ada.at.auth, 'grace')
  expect((await refuse(ada.at.auth, hers)).status).toBe(403)
  expect(recordsOf(made, 'declined')).toEqual([])
  await signInAs(ada.at.auth, 'ada')
  const csrf = await ada.at.auth.csrf('/login')
  const refused = await ada.at.auth.post('/agent/link', { ...form, csrf })
  expect(answerOf(refused).searchParams.get('error')).toBe('access_denied')
  expect(recordsOf(made, 'declined')).toMatchObject([asked])
})

test(
  verifies('link.same-user', 'only the user whom an exchange is for may refuse it: linked, or of this issuer'),
  async () => {
    const made = await watchedTwo()
    const { ada, upstream } = await connected(made)
    made.events.length = 0
    // Asked anew by another chain, so that nothing is remembered.
    const other = await upstreamToken(made, { claims: { ...claims(upstream), agent_delegate: 'another' } })
    const { link, request_token } = await asksUser(made, other)
    const grace = person(made)
    await signInAs(grace.at.auth, 'grace')
    expect((await open(grace.at.auth, link)).status).toBe(403)
    expect((await refuse(grace.at.auth, request_token)).status).toBe(403)
    expect(recordsOf(made, 'declined')).toEqual([])
    const twin = await asksUser(made, other)
    await open(ada.at.auth, twin.link)
    expect(answerOf(await refuse(ada.at.auth, twin.request_token)).searchParams.get('error')).toBe('access_denied')

    const shared = await exchangeWorld({
      exchange: {
        rules: [asking, { ...rule, upstream: 'https://two.example' }],
        dangerouslySharedSubjects: [upstreamIssuer],
      },
    })
    const [one, another] = [await browserOf(shared, 'ada'), await browserOf(shared, 'grace')]
    const [first] = shared.events
    const sub = first?.type === 'signed_in' ? first.sub : ''
    const at = async (who: Browser): Promise<Response> => {
      const { link: url, request_token: token } = await asksUser(
        shared,
        await upstreamToken(shared, { claims: { sub } }),
      )
      await open(who, url)
      return refuse(who, token)
    }
    expect((await at(another)).status).toBe(403)
    expect(answerOf(await at(one)).searchParams.get('error')).toBe('access_denied')
  },
)

test(verifies('LOG-03', 'token.txn', 'a link that another user opens is recorded with both users'), async () => {
  const made = await watchedTwo()
  const { ada, upstream } = await connected(made)
  const other = await upstreamToken(made, {
    claims: { ...claims(upstream), agent_delegate: 'another', txn: 'journey-1' },
  })
  const { link, request_token } = await asksUser(made, other)
  const grace = person(made)
  await signInAs(grace.at.auth, 'grace')
  made.events.length = 0
  expect((await open(grace.at.auth, link)).status).toBe(403)
  const user = expect.stringMatching(/^[\w-]{22}$/)
  const exchange = { issuer: upstreamIssuer, sub: expect.any(String), chain: [expect.anything()] }
  const known = { ...asked, txn: 'journey-1', user }
  expect(made.events).toEqual([
    { type: 'link_refused', ...known, upstream: { iss: upstreamIssuer, sub: exchange.sub }, reason: 'other-user' },
    {
      type: 'refused',
      code: 'access_denied',
      reason: 'user_mismatched',
      status: 403,
      description: expect.any(String),
      ...known,
      exchange,
      peer: '192.0.2.9',
    },
  ])
  // A page that says no to another browser tells of the same request.
  expect((await open(ada.at.auth, link)).status).toBe(200)
  made.events.length = 0
  expect((await grace.at.auth.get(`/agent/consent?request_token=${request_token}`)).status).toBe(400)
  expect(made.events).toMatchObject([
    { type: 'refused', code: 'invalid_request', reason: 'link_of_another_browser', ...asked, txn: 'journey-1' },
  ])
  expect(await rowsIn(made.database)).toMatchObject({ consents: 1, links: 1 })
})

test(
  verifies(
    'LOG-03',
    'token.txn',
    'a user who finishes a sign-in that another began in the same browser is recorded, too',
  ),
  async () => {
    const made = await watchedTwo()
    const ada = person(made)
    const { link } = await asksUser(made, await upstreamFor(made, ada, 'ada'))
    await signInAs(ada.at.auth, 'ada')
    const back = await throughOne(ada, await open(ada.at.auth, link))
    await signInAs(ada.at.auth, 'grace')
    made.events.length = 0
    expect((await ada.at.auth.get(back)).status).toBe(403)
    expect(made.events).toMatchObject([
      { type: 'link_refused', ...asked, reason: 'other-user' },
      { type: 'refused', code: 'access_denied', ...asked },
    ])
  },
)

function claims(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
