import { askUsers } from '@countersign/auth-server'
import { verifies } from '@countersign/requirements'
import { adaOf, answerPage, approvalWorld, askAboutCall, callToken } from '@countersign/testing/auth/approval'
import { type Browser, reasonOf, signInAs } from '@countersign/testing/auth/browser'
import {
  answerOf,
  askUser,
  browserOf,
  consentWorld,
  decide,
  linkOf,
  open,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { codes, type } from '@countersign/testing/auth/device'
import {
  agentCallback,
  atLinkPage,
  calendarToken,
  person,
  twoAuthServers,
  watchedTwo,
} from '@countersign/testing/auth/two-auth-servers'
import { agentServer, delegate, send } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

// Decisions that come too late, twice, from nobody or about nothing: each is refused as what it is.

/** The status of an answer and the reason that its page shows; of a redirect, how it answers the agent. */
async function told(response: Response): Promise<readonly [number, string | undefined]> {
  if (response.status === 303) return [303, [...answerOf(response).searchParams.keys()].join(' ')]
  return [response.status, await reasonOf(response)]
}

/** Signs out, so that another user may go on here: the browser keeps what it has opened. */
async function leave(one: Browser): Promise<string> {
  await one.post('/logout', { csrf: await one.csrf('/logout'), return_to: '/account' })
  return one.csrf('/login?return_to=/account')
}

test(verifies('consent.page', 'a decision counts only while its user is signed in'), async () => {
  const made = await consentWorld()
  const one = await browserOf(made, 'ada')
  const link = linkOf(await requestTokenOf(await askUser(made, agentServer(made))))
  const form = { ...hiddenFields(await (await open(one, link)).text()), decision: 'allow', 'scope:events.read': 'on' }
  const csrf = await leave(one)
  expect(await told(await one.post('/agent/consent', { ...form, csrf }))).toEqual([403, 'signed_out'])
  await signInAs(one, 'ada')
  expect(await told(await decide(one, link, { decision: 'allow' }))).toEqual([303, 'code state iss'])
})

test(verifies('consent.page', 'the answer to a question is yes, no or stop, and nothing else'), async () => {
  const made = await approvalWorld()
  const phone = await delegate(made, 'phone')
  const { one, sub } = await adaOf(made, phone)
  const link = linkOf(await requestTokenOf(await askAboutCall(made, phone, { sub })))
  for (const decision of ['perhaps', '', 'Approve'])
    expect(await told(await answerPage(one, link, decision)), decision).toEqual([400, 'form_incomplete'])
  expect(await told(await answerPage(one, link, 'approve'))).toEqual([303, 'code state iss'])
})

test(verifies('device.code', 'a code that nobody waits for is told as that, on the page and to programs'), async () => {
  const made = await consentWorld({ deviceFlow: 'any' })
  const one = await browserOf(made, 'ada')
  expect(await told(await type(one, 'BCDF-GHJK'))).toEqual([400, 'user_code_unknown'])
  expect(await told(await one.get('/device'))).toEqual([200, undefined])
})

test(verifies('consent.code', 'of two decisions about a device at the same moment, one counts'), async () => {
  const made = await consentWorld({ deviceFlow: 'any' })
  const one = await browserOf(made, 'ada')
  const { user_code } = await codes(made, await delegate(made, 'tv'))
  const hidden = hiddenFields(await (await type(one, user_code)).text())
  const send = (decision: string) => one.post('/device', { ...hidden, decision, 'scope:events.read': 'on' })
  const answers = await Promise.all((await Promise.all([send('allow'), send('deny')])).map(told))
  expect(answers.toSorted(([a], [b]) => a - b)).toEqual([
    [200, undefined],
    [400, 'request_ended'],
  ])
})

test(verifies('consent.code', 'of two answers to a question on a device at the same moment, one counts'), async () => {
  const made = await approvalWorld()
  const tv = await delegate(made, 'tv')
  const { one, sub } = await adaOf(made, tv)
  const resource_token = await callToken(made, tv, { sub })
  const { user_code } = await bodyOf(await send(made, tv, { request_type: 'device_auth', resource_token }))
  const hidden = hiddenFields(await (await type(one, String(user_code))).text())
  const say = (decision: string) => one.post('/device', { ...hidden, decision })
  const answers = await Promise.all((await Promise.all([say('approve'), say('deny')])).map(told))
  expect(answers.toSorted(([a], [b]) => a - b)).toEqual([
    [200, undefined],
    [400, 'request_ended'],
  ])
})

test(verifies('consent.page', 'accounts are connected for a user who is signed in'), async () => {
  const { ada, page } = await atLinkPage(await watchedTwo())
  const form = { ...hiddenFields(await page.text()), decision: 'allow' }
  const csrf = await leave(ada.at.auth)
  expect(await told(await ada.at.auth.post('/agent/link', { ...form, csrf }))).toEqual([403, 'signed_out'])
})

test(verifies('consent.code', 'an exchange that was refused is not refused again, nor connected'), async () => {
  const { ada, page } = await atLinkPage(await watchedTwo())
  const form = hiddenFields(await page.text())
  const say = (decision: string) => ada.at.auth.post('/agent/link', { ...form, decision })
  expect(await told(await say('deny'))).toEqual([303, 'error state iss'])
  expect(await told(await say('deny'))).toEqual([400, 'request_ended'])
  expect(await told(await say('allow'))).toEqual([400, 'request_ended'])
})

test(verifies('consent.code', 'of two refusals of an exchange at the same moment, one counts'), async () => {
  const { ada, page } = await atLinkPage(await watchedTwo())
  const form = { ...hiddenFields(await page.text()), decision: 'deny' }
  const both = await Promise.all([ada.at.auth.post('/agent/link', form), ada.at.auth.post('/agent/link', form)])
  expect((await Promise.all(both.map(told))).toSorted(([a], [b]) => a - b)).toEqual([
    [303, 'error state iss'],
    [400, 'request_ended'],
  ])
})

test(verifies('consent.page', 'a request that is no exchange connects nothing'), async () => {
  const made = await twoAuthServers({ policy: askUsers([{ agents: 'any', resources: 'any' }]) })
  const ada = person(made)
  await signInAs(ada.at.auth, 'ada')
  const resource_token = await calendarToken(made, made.agent, { aud: 'https://auth.example' })
  const redirect_uri = agentCallback
  const form = { request_type: 'auth', resource_token, redirect_uri, state: 's1' }
  const request_token = await requestTokenOf(await send(made, made.agent, form))
  await open(ada.at.auth, linkOf(request_token, { redirect_uri }))
  const csrf = await ada.at.auth.csrf('/account')
  for (const decision of ['allow', 'deny'])
    expect(await told(await ada.at.auth.post('/agent/link', { csrf, request_token, decision }))).toEqual([
      400,
      'form_incomplete',
    ])
})
