import { operatorOf } from '@countersign/console'
import { verifies } from '@countersign/requirements'
import { adaOf, answerPage, approvalWorld, askAboutCall } from '@countersign/testing/auth/approval'
import { reasonOf, signInAs } from '@countersign/testing/auth/browser'
import {
  allowRedirects,
  answerOf,
  askUser,
  browserOf,
  consentWorld,
  decide,
  linkOf,
  open,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { exchangeWorld, middleCallback, upstreamToken } from '@countersign/testing/auth/exchange'
import { asksUser } from '@countersign/testing/auth/two-auth-servers'
import { delegate, resourceToken, type Signer, send, type World } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

// Requests that end without a question: the agent is told, wherever it waits, and does not wait until they expire.

const denied = '?error=access_denied&state=s1&iss=https%3A%2F%2Fauth.example'

/** The codes of a device that asks for events. */
async function deviceCodes(
  made: World,
  signer: Signer,
): Promise<{ readonly user_code: string; readonly poll: object }> {
  const resource_token = await resourceToken(made, signer, { claims: { scope: 'events.write' } })
  const { user_code, device_code } = await bodyOf(
    await send(made, signer, { request_type: 'device_auth', resource_token }),
  )
  return { user_code: String(user_code), poll: { request_type: 'device_code', device_code: String(device_code) } }
}

test(
  verifies(
    'UIX-37',
    'consent.told',
    'after "no, and stop asking" the agent is told at once, in the browser and on a device',
  ),
  async () => {
    const made = await approvalWorld()
    const phone = await delegate(made, 'phone')
    const { one, sub } = await adaOf(made, phone)
    const asked = async () => requestTokenOf(await askUser(made, phone, { scope: 'events.read events.write' }))
    // Two pages are open, one of them with its form, while the user says in a third that it is to stop.
    const [read, unread] = [await asked(), await asked()]
    const form = hiddenFields(await (await open(one, linkOf(read))).text())
    const codes = await deviceCodes(made, phone)
    await answerPage(one, linkOf(await requestTokenOf(await askAboutCall(made, phone, { sub }))), 'stop')
    const told = [
      await one.post('/agent/consent', { ...form, decision: 'allow', 'scope:events.read': 'on' }),
      await open(one, linkOf(unread)),
      // Once more: the same answer.
      await open(one, linkOf(unread)),
      await open(one, linkOf(await asked())),
    ]
    expect(told.map(answer => answerOf(answer).search)).toEqual([denied, denied, denied, denied])
    const typed = await one.post('/device', { csrf: await one.csrf('/device'), user_code: codes.user_code })
    expect([typed.status, await reasonOf(typed)]).toEqual([403, 'approval_stopped'])
    const polled = await send(made, phone, { ...codes.poll })
    expect(await refusalOf(polled)).toEqual(plain(403, 'access_denied', 'approval_stopped'))
    // The twin: another user is asked.
    const grace = await browserOf(made, 'grace')
    const answer = await decide(grace, linkOf(await asked()), { decision: 'allow' })
    expect(answerOf(answer).searchParams.get('code')).toMatch(/^[\w-]{43}$/)
  },
)

test(
  verifies('UIX-37', 'consent.told', 'where another party of the chain is blocked, the middle is told'),
  async () => {
    const made = await exchangeWorld({ database: sqliteOfTest() })
    const operator = operatorOf(await made.reopen())
    const one = await browserOf(made, 'ada')
    const { link } = await asksUser(made, await upstreamToken(made))
    // The upstream issuer, which is to confirm the user, cannot be reached: that is a page, and the request waits.
    expect((await open(one, link)).status).toBe(503)
    await operator.agents.block({ agent: 'https://agent.example' })
    made.clock.now += 3
    const told = answerOf(await open(one, link))
    expect([told.href.split('?')[0], told.searchParams.get('error')]).toEqual([middleCallback, 'access_denied'])
    expect(made.events.at(-1)).toMatchObject({ type: 'refused', reason: 'caller_blocked' })
  },
)

test(
  verifies(
    'UIX-37',
    'consent.told',
    'no browser is sent to an agent that is blocked, or to an address that it has given up',
  ),
  async () => {
    const made = await consentWorld({ database: sqliteOfTest() })
    const operator = operatorOf(await made.reopen())
    const phone = await delegate(made, 'phone')
    const one = await browserOf(made, 'ada')
    const link = linkOf(await requestTokenOf(await askUser(made, phone)))
    expect((await open(one, link)).status).toBe(200)
    await operator.agents.block({ agent: 'https://agent.example' })
    made.clock.now += 3
    const blocked = await open(one, link)
    expect([blocked.status, await reasonOf(blocked)]).toEqual([403, 'caller_blocked'])
    await operator.agents.unblock({ agent: 'https://agent.example' })
    made.clock.now += 3
    expect((await open(one, link)).status).toBe(200)
    for (let turn = 0; turn < 19; turn++) await open(one, linkOf(await requestTokenOf(await askUser(made, phone))))
    const last = linkOf(await requestTokenOf(await askUser(made, phone)))
    allowRedirects(made, { redirect_uris: ['https://app.example/other?app=1'] })
    made.clock.now += 400
    const given = await open(one, last)
    expect([given.status, await reasonOf(given)]).toEqual([400, 'redirect_uri_unregistered'])
  },
)

test(verifies('UIX-37', 'consent.told', 'a user who may not answer ends nothing'), async () => {
  const made = await approvalWorld()
  const phone = await delegate(made, 'phone')
  const { one, sub } = await adaOf(made, phone)
  const link = linkOf(await requestTokenOf(await askAboutCall(made, phone, { sub })))
  const grace = await browserOf(made, 'grace')
  expect((await open(grace, link)).headers.get('location')).toBeNull()
  await signInAs(one, 'ada')
  const back = await answerPage(one, link, 'approve')
  expect(answerOf(back).searchParams.get('code')).toMatch(/^[\w-]{43}$/)
})
