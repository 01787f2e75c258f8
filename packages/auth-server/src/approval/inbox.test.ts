import { verifies } from '@countersign/requirements'
import {
  type Ada,
  type ApprovalWorld,
  adaOf,
  answerInbox,
  approvalWorld,
  askAboutCall,
  askInInbox,
  calendar,
  digests,
  poll,
  questionsIn,
  tokenIn,
  turnOn,
} from '@countersign/testing/auth/approval'
import { reasonOf } from '@countersign/testing/auth/browser'
import {
  answerOf,
  browserOf,
  callback,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { agentServer, delegate, otherAgent, resourceToken, type Signer, send } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { describe, expect, test } from 'vitest'

const unavailable = plain(403, 'unauthorized_client', 'inbox_unavailable')
const unknown = plain(400, 'invalid_grant', 'grant_invalid')
const pending = plain(400, 'authorization_pending', 'decision_pending')

interface Place {
  readonly made: ApprovalWorld
  readonly notified: Array<{ readonly user: string; readonly question: string }>
  readonly phone: Signer
  readonly ada: Ada
}

/** Ada, whose inbox is on, with a grant for a phone. */
async function place(o: Parameters<typeof approvalWorld>[0] = {}): Promise<Place> {
  const notified: Array<{ readonly user: string; readonly question: string }> = []
  const made = await approvalWorld({ onApproval: notice => notified.push(notice), ...o })
  const phone = await delegate(made, 'phone', { claims: { exp: made.clock.now + 86_400 } })
  const ada = await adaOf(made, phone)
  await turnOn(ada.one)
  return { made, notified, phone, ada }
}

/** The token to poll with, and the name of the question. */
async function asked({ made, phone, ada }: Place): Promise<{ readonly token: string; readonly question: string }> {
  const { request_token } = await bodyOf(await askInInbox(made, phone, { sub: ada.sub }))
  const [question = ''] = await questionsIn(ada.one)
  return { token: String(request_token), question }
}

test(
  verifies('APR-10', 'approval.inbox', 'an answer from the inbox is polled for, and repeated for a minute'),
  async () => {
    const at = await place()
    const { made, phone, ada } = at
    const answer = await askInInbox(made, phone, { sub: ada.sub })
    expect(await bodyOf(answer.clone())).toEqual({
      request_token: expect.stringMatching(/^[\w-]{43}$/),
      interval: 5,
      expires_in: 3600,
    })
    const token = String((await bodyOf(answer))['request_token'])
    expect(await refusalOf(await poll(made, phone, token))).toEqual(pending)
    const [question = ''] = await questionsIn(ada.one)
    expect(at.notified).toEqual([{ user: ada.sub, question }])
    const done = await answerInbox(ada.one, question, 'approve')
    expect(done.headers.get('location')).toBe('/account/approvals?done=approved')
    made.clock.now += 10
    const first = await poll(made, phone, token)
    expect(await tokenIn(first.clone())).toMatchObject({ sub: ada.sub, operation_digest: digests[0], grant: question })
    made.clock.now += 59
    expect(await bodyOf(await poll(made, phone, token))).toEqual(await bodyOf(first))
    made.clock.now += 2
    expect(await refusalOf(await poll(made, phone, token))).toEqual(unknown)
    expect(await questionsIn(ada.one)).toEqual([])
  },
)

test(verifies('approval.inbox', 'a no, and a question that nobody answers, are told to who polls'), async () => {
  const at = await place()
  const { made, phone, ada } = at
  const refused = await asked(at)
  await answerInbox(ada.one, refused.question, 'deny')
  expect(await refusalOf(await poll(made, phone, refused.token))).toEqual(plain(403, 'access_denied', 'user_refused'))
  const late = await asked(at)
  made.clock.now += 3600
  expect(await refusalOf(await poll(made, phone, late.token))).toEqual(plain(400, 'expired_token', 'request_ended'))
  expect(await questionsIn(ada.one)).toEqual([])
})

test(
  verifies('APR-11', 'approval.inbox', 'whatever lacks, the answer is one, nothing is stored and nobody is told'),
  async () => {
    const at = await place()
    const { made, phone, ada, notified } = at
    const laptop = await delegate(made, 'laptop')
    const graceOne = await browserOf(made, 'grace')
    const grace = await adaOf(made, phone, { one: graceOne })
    const answers = [
      await askInInbox(made, phone, { sub: grace.sub }),
      await askInInbox(made, laptop, { sub: ada.sub }),
      await askInInbox(made, agentServer(made), { sub: ada.sub }),
      await askInInbox(made, phone, { sub: 'nobody-of-this-name' }),
      await askInInbox(made, phone, {}),
      await send(made, phone, {
        request_type: 'auth',
        answer: 'inbox',
        resource_token: await resourceToken(made, phone, { claims: { scope: 'events.write', sub: ada.sub } }),
      }),
    ]
    const bodies = await Promise.all(answers.map(answer => answer.clone().text()))
    for (const answer of answers) expect(await refusalOf(answer)).toEqual(unavailable)
    expect(new Set(bodies).size).toBe(1)
    // The twin, and then the same once its grant was taken back.
    expect((await askInInbox(made, phone, { sub: ada.sub })).status).toBe(200)
    expect(await questionsIn(ada.one)).toHaveLength(1)
    const csrf = await ada.one.csrf('/account')
    await ada.one.post('/account/take-back', { csrf, what: 'all' })
    const operation = { name: 'send', digest: digests[1] }
    expect(await refusalOf(await askInInbox(made, phone, { sub: ada.sub, operation }))).toEqual(unavailable)
    expect(notified).toHaveLength(1)
    expect(await questionsIn(graceOne)).toEqual([])
  },
)

describe(verifies('APR-14', 'approval.inbox', 'only who asked can poll:'), () => {
  test('another agent, delegate or key learns nothing, and the question stays', async () => {
    const at = await place()
    const { made, phone } = at
    const { token } = await asked(at)
    for (const other of [await otherAgent(made), await delegate(made, 'laptop'), await delegate(made, 'phone')])
      expect(await refusalOf(await poll(made, other, token))).toEqual(unknown)
    expect(await refusalOf(await poll(made, phone, token))).toEqual(pending)
  })

  test('and not sooner than the interval, which grows', async () => {
    const at = await place()
    const { made, phone } = at
    const { token } = await asked(at)
    expect(await refusalOf(await poll(made, phone, token))).toEqual(pending)
    made.clock.now += 1
    for (let time = 0; time < 3; time++)
      expect(await refusalOf(await poll(made, phone, token))).toEqual(plain(400, 'slow_down', 'poll_too_fast'))
    made.clock.now += 30
    expect(await refusalOf(await poll(made, phone, token))).toEqual(pending)
  })
})

test(
  verifies('approval.inbox', 'no browser opens a question of the inbox, and poll takes no other request token'),
  async () => {
    const at = await place()
    const { made, phone, ada } = at
    const { token } = await asked(at)
    for (const link of [linkOf(token, { redirect_uri: '', state: null }), linkOf(token)]) {
      const page = await open(ada.one, link)
      expect([page.status, await reasonOf(page)]).toEqual([400, 'link_invalid'])
    }
    expect((await ada.one.get(`/agent/consent?request_token=${token}`)).status).toBe(400)
    const link = await requestTokenOf(
      await askAboutCall(made, phone, { sub: ada.sub, operation: { name: 'send', digest: digests[1] } }),
    )
    expect(await refusalOf(await poll(made, phone, link))).toEqual(unknown)
    const page = await (await open(ada.one, linkOf(link))).text()
    const back = await ada.one.post('/agent/consent', { ...hiddenFields(page), decision: 'approve' })
    expect(await refusalOf(await poll(made, phone, link))).toEqual(unknown)
    const code = answerOf(back).searchParams.get('code') ?? ''
    const redeemed = await redeemCode(made, phone, { code, request_token: link, redirect_uri: callback })
    expect(redeemed.status).toBe(200)
  },
)

test(
  verifies('APR-32', 'approval.inbox', 'only the page of this server, in the session of its user, answers a question'),
  async () => {
    const at = await place()
    const { made, phone, ada } = at
    const { token, question } = await asked(at)
    const path = `/account/approval?question=${question}`
    const page = await ada.one.get(path)
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    const fields = { ...hiddenFields(await page.text()), decision: 'approve' }
    const other = await browserOf(made, 'ada')
    const refused = [
      await ada.one.post('/account/approval', fields, {
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
      }),
      await ada.one.post('/account/approval', { ...fields, csrf: await other.csrf('/account') }),
      await ada.one.post('/account/approval', { question, decision: 'approve' }),
    ]
    for (const answer of refused) expect([answer.status, await reasonOf(answer)]).toEqual([403, 'page_not_from_here'])
    expect((await ada.one.get(`${path}&decision=approve`)).status).toBe(200)
    made.clock.now += 10
    expect(await refusalOf(await poll(made, phone, token))).toEqual(pending)
    // The twin.
    expect((await ada.one.post('/account/approval', fields)).status).toBe(303)
    made.clock.now += 60
    expect((await poll(made, phone, token)).status).toBe(200)
  },
)

test(
  verifies('ACC-10', 'approval.asked', 'the question of another user is as unknown as one that never was'),
  async () => {
    const at = await place()
    const { made, phone, ada } = at
    const { token, question } = await asked(at)
    const grace = await browserOf(made, 'grace')
    const seen = async (id: string) => {
      const page = await grace.get(`/account/approval?question=${id}`)
      const csrf = await grace.csrf('/account')
      const answer = await grace.post('/account/approval', { csrf, question: id, decision: 'approve' })
      return [page.status, await page.text(), answer.status, await answer.text()].map(each =>
        String(each).replaceAll(id, 'ID'),
      )
    }
    const theirs = await seen(question)
    expect([theirs[0], theirs[2]]).toEqual(['404', '404'])
    expect(theirs).toEqual(await seen('00000000-0000-4000-8000-000000000000'))
    expect(await questionsIn(grace)).toEqual([])
    expect(await refusalOf(await poll(made, phone, token))).toEqual(pending)
    expect((await answerInbox(ada.one, question, 'approve')).status).toBe(303)
  },
)

test(verifies('approval.inbox', 'a user turns the inbox off again, and sees how many questions wait'), async () => {
  const at = await place()
  const { made, phone, ada } = at
  await asked(at)
  for (const path of ['/account', '/account/approvals', '/account/sign-in', '/account/data'])
    expect(await (await ada.one.get(path)).text(), path).toContain('(1 open question)')
  const csrf = await ada.one.csrf('/account/approvals')
  await ada.one.post('/account/approvals/inbox', { csrf, turn: 'off' })
  const operation = { name: 'send', digest: digests[1] }
  expect(await refusalOf(await askInInbox(made, phone, { sub: ada.sub, operation }))).toEqual(unavailable)
  expect(made.events.filter(({ type }) => type === 'inbox_turned')).toEqual([
    { type: 'inbox_turned', user: ada.sub, on: true },
    { type: 'inbox_turned', user: ada.sub, on: false },
  ])
})

test(verifies('approval.inbox', 'a way to tell the user that fails does not refuse the question'), async () => {
  for (const onApproval of [
    () => {
      throw new Error('push is down')
    },
    () => Promise.reject(new Error('push is down')),
  ]) {
    const at = await place({ onApproval })
    expect((await asked(at)).question).not.toBe('')
  }
})

test(verifies('approval.inbox', 'another way to answer than the inbox is refused'), async () => {
  const { made, phone, ada } = await place()
  const refused = await askInInbox(made, phone, { sub: ada.sub, form: { answer: 'mail' } })
  expect(await refusalOf(refused)).toEqual(plain(400, 'invalid_request', 'parameter_unsupported'))
  expect(await refusalOf(await send(made, phone, { request_type: 'poll' }))).toEqual(
    plain(400, 'invalid_request', 'parameter_missing'),
  )
})

test(
  verifies(
    'approval.inbox',
    'a question that was asked anew for other purposes while its page was open is shown again',
  ),
  async () => {
    const made = await approvalWorld()
    publishResource(made, calendar, [made.resourceKey], {
      supported_scopes: ['events.write'],
      operations: { send: 'Send an invitation' },
      purposes: { support: 'Answer guests', marketing: 'Advertise' },
    })
    const phone = await delegate(made, 'phone')
    const ada = await adaOf(made, phone)
    await turnOn(ada.one)
    const first = await askInInbox(made, phone, { sub: ada.sub, form: { purposes: 'support' } })
    expect(first.status).toBe(200)
    const [question = ''] = await questionsIn(ada.one)
    const fields = hiddenFields(await (await ada.one.get(`/account/approval?question=${question}`)).text())
    const again = await askInInbox(made, phone, { sub: ada.sub, form: { purposes: 'marketing' } })
    const token = String((await bodyOf(again))['request_token'])
    const answer = await ada.one.post('/account/approval', { ...fields, decision: 'approve' })
    expect(answer.headers.get('location')).toBe(`/account/approval?question=${question}`)
    expect(await refusalOf(await poll(made, phone, token))).toEqual(pending)
    // What the user then reads is what the token is for.
    await answerInbox(ada.one, question, 'approve')
    expect(await tokenIn(await poll(made, phone, token))).toMatchObject({ purposes: 'marketing' })
  },
)
