import { verifies } from '@countersign/requirements'
import { adaOf, answerPage, approvalWorld, askAboutCall, digests } from '@countersign/testing/auth/approval'
import { answerOf, browserOf, consentWorld, linkOf, redeemCode } from '@countersign/testing/auth/consent'
import {
  downstreamId,
  type ExchangeWorld,
  exchange,
  exchangeWorld,
  roomsToken,
  rule,
  upstreamIssuer,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { allow, atLinkPage, redeem, watchedTwo } from '@countersign/testing/auth/two-auth-servers'
import { agentServer, delegate, post } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

// Requests that are refused late: what was allowed is not allowed any more, or nobody is left who could allow it.

const unavailable = plain(403, 'access_denied', 'user_unavailable')
const nobody = plain(403, 'access_denied', 'approver_missing')

/** An exchange world in which no user can sign in. Users of the upstream issuer are users here. */
const withoutUsers = (more: object = {}): Promise<ExchangeWorld> => {
  const rules = [{ ...rule, scopes: ['rooms.read', 'email'] }]
  return exchangeWorld({
    login: undefined,
    exchange: { rules, dangerouslySharedSubjects: [upstreamIssuer] },
    ...more,
  } as never)
}

/** Asks rooms about one call, for a user of the upstream issuer. */
async function askAboutBooking(made: ExchangeWorld, sub: string): Promise<unknown> {
  publishResource(made, downstreamId, [made.roomsKey], {
    supported_scopes: ['rooms.read', 'rooms.book'],
    operations: { book: 'Book a room' },
  })
  const operation = { name: 'book', digest: digests[0], display: ['Book ', 'room 5'] }
  const resource = await roomsToken(made, { claims: { scope: 'rooms.read', operation } })
  return refusalOf(await exchange(made, { resource, upstream: await upstreamToken(made, { claims: { sub } }) }))
}

test(verifies('error.body-too-large', 'a body is refused by its size before its signature is looked at'), async () => {
  const made = await consentWorld()
  const large = await post(made, agentServer(made), `request_type=${'x'.repeat(65_536)}`)
  const unsigned = { ...large, headers: large.headers.filter(([name]) => !/^signature/i.test(name)) }
  for (const message of [large, unsigned])
    expect(await refusalOf(await made.auth.handle(message))).toEqual(plain(413, 'invalid_request', 'body_too_large'))
})

test(
  verifies('error.access-denied', 'an exchange that needs a user is refused where no user can sign in'),
  async () => {
    const made = await withoutUsers()
    expect((await exchange(made)).status).toBe(200)
    expect(await refusalOf(await exchange(made, { scope: 'rooms.read email' }))).toEqual(unavailable)
  },
)

test(verifies('APR-07', 'a call in an exchange is approved by a user of this server, who can sign in'), async () => {
  const database = sqliteOfTest()
  const exchange = { rules: [rule], dangerouslySharedSubjects: [upstreamIssuer] }
  const made = await exchangeWorld({ database, exchange })
  expect(await askAboutBooking(made, 'ada-at-one')).toEqual(nobody)
  const ada = await browserOf(made, 'ada')
  const { sub } = JSON.parse(await (await ada.get('/account/export')).text())
  expect(await askAboutBooking(made, sub)).toMatchObject({ status: 200 })
  expect(await askAboutBooking(await withoutUsers({ database }), sub)).toEqual(nobody)
})

test(verifies('error.access-denied', 'a call is approved by nobody where no user can sign in'), async () => {
  const made = await approvalWorld({ login: undefined, deviceFlow: [] } as never)
  expect(await refusalOf(await askAboutCall(made, agentServer(made), { sub: 'ada' }))).toEqual(unavailable)
})

test(verifies('request.shares', 'questions about calls count among the requests of their agent'), async () => {
  const made = await approvalWorld({ requestQuota: { agent: 2, delegate: 1 } })
  const phone = await delegate(made, 'phone', { claims: { exp: made.clock.now + 86_400 } })
  const { sub } = await adaOf(made, phone)
  made.clock.now += 700
  const ask = (number: number) => {
    const operation = { name: 'send', digest: `${String(number).padStart(42, 'A')}E` }
    return askAboutCall(made, phone, { sub, operation })
  }
  expect((await ask(1)).status).toBe(200)
  expect(await refusalOf(await ask(2))).toEqual(plain(429, 'rate_limited', 'quota_exceeded'))
})

test(verifies('error.invalid-grant', 'the code of an exchange is worth nothing once its user is another'), async () => {
  const made = await watchedTwo()
  const { ada, request_token, page } = await atLinkPage(made)
  const linked = await allow(ada.at.auth, page)
  const asked = await ada.at.auth.get(linked.headers.get('location') ?? '')
  const back = await allow(ada.at.auth, asked, ['rooms.book'])
  expect(answerOf(back).searchParams.has('code')).toBe(true)
  const csrf = await ada.at.auth.csrf('/account')
  expect((await ada.at.auth.post('/account/delete', { csrf, sure: '1' })).status).toBe(200)
  expect(await refusalOf(await redeem(made, back, request_token))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
})

test(verifies('approval.token', 'an approval whose grant was taken back meanwhile gives no token'), async () => {
  const made = await approvalWorld()
  const phone = await delegate(made, 'phone')
  const { one, sub } = await adaOf(made, phone)
  const { request_token } = await bodyOf(await askAboutCall(made, phone, { sub }))
  const back = await answerPage(one, linkOf(String(request_token)), 'approve')
  const form = { code: answerOf(back).searchParams.get('code') ?? '', redirect_uri: 'https://app.example/callback' }
  await one.post('/account/take-back', { csrf: await one.csrf('/account'), what: 'all' })
  const redeemed = await redeemCode(made, phone, { ...form, request_token: String(request_token) })
  expect(await refusalOf(redeemed)).toMatchObject({ status: 400, error: 'invalid_grant' })
})
