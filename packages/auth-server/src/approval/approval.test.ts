import { verifies } from '@countersign/requirements'
import {
  adaOf,
  answerPage,
  approvalWorld,
  approvedCode,
  askAboutCall,
  calendar,
  callToken,
  digests,
  display,
  tokenIn,
} from '@countersign/testing/auth/approval'
import { reasonOf } from '@countersign/testing/auth/browser'
import { answerOf, browserOf, linkOf, open, redeemCode, requestTokenOf } from '@countersign/testing/auth/consent'
import { agentServer, delegate, send } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { describe, expect, test } from 'vitest'
import { askUsers, directGrants } from '../policy/policies.js'

test(
  verifies(
    'APR-01',
    'approval.token',
    'an approval gives a token for that call, of 5 minutes, that cannot be refreshed',
  ),
  async () => {
    const made = await approvalWorld({ authTokenLifetime: 3600 })
    const phone = await delegate(made, 'phone')
    const { one, sub, grant } = await adaOf(made, phone)
    const code = await approvedCode(made, phone, { one, sub })
    const answer = await redeemCode(made, phone, code)
    const body = await bodyOf(answer.clone())
    expect(Object.keys(body)).toEqual(['auth_token', 'expires_in'])
    expect(body['expires_in']).toBe(300)
    const token = await tokenIn(answer)
    expect(token).toMatchObject({
      aud: calendar,
      agent: 'https://agent.example',
      agent_delegate: 'phone',
      sub,
      scope: 'events.write',
      operation_digest: digests[0],
      iat: made.clock.now,
      exp: made.clock.now + 300,
    })
    expect(token['grant']).toMatch(/^[\w-]{1,64}$/)
    expect(token['grant']).not.toBe(grant)
    // An approval of one call is not one of another: the user is asked again.
    const again = await askAboutCall(made, phone, { sub, operation: { name: 'send', digest: digests[1] } })
    const page = await open(one, linkOf(await requestTokenOf(again)))
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Approve once')])
  },
)

test(verifies('approval.token', 'a token lives no longer than others of the server'), async () => {
  const made = await approvalWorld({ authTokenLifetime: 120 })
  const agent = agentServer(made)
  const { one, sub } = await adaOf(made, agent)
  const answer = await redeemCode(made, agent, await approvedCode(made, agent, { one, sub }))
  expect((await bodyOf(answer))['expires_in']).toBe(120)
})

test(verifies('approval.token', 'a code answers alike for a minute, and a later use ends what it gave'), async () => {
  const made = await approvalWorld()
  const agent = agentServer(made)
  const { one, sub } = await adaOf(made, agent)
  const code = await approvedCode(made, agent, { one, sub })
  const first = await bodyOf(await redeemCode(made, agent, code))
  made.clock.now += 59
  expect(await bodyOf(await redeemCode(made, agent, code))).toEqual(first)
  made.clock.now += 2
  expect(await refusalOf(await redeemCode(made, agent, code))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
  expect(made.events).toContainEqual(expect.objectContaining({ type: 'alarm', reason: 'code-reused', user: sub }))
  await expect.poll(() => made.told).toHaveLength(1)
})

test(
  verifies('F-02', 'a server that ends between an approval and its code redeems it once, after it is back'),
  async () => {
    const made = await approvalWorld({ database: sqliteOfTest() })
    const agent = agentServer(made)
    const { one, sub } = await adaOf(made, agent)
    const code = await approvedCode(made, agent, { one, sub })
    await made.auth.close()
    const back = { ...made, auth: await made.reopen() }
    const other = { ...made, auth: await made.reopen() }
    const answers = await Promise.all([back, other].map(each => redeemCode(each, agent, code)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400])
  },
)

describe(verifies('APR-07', 'approval.asked', 'neither policy nor memory answers in the place of a user:'), () => {
  const grants = directGrants([{ agent: 'https://agent.example', resource: calendar, scopes: ['events.write'] }])

  test('under a direct grant the one that policy names is asked, and where it names none nobody is', async () => {
    const named: { approver?: string } = {}
    const made = await approvalWorld({
      policy: async request => ({
        decision: (await grants(request)) === 'direct' ? 'direct' : 'deny',
        ...named,
      }),
    })
    const agent = agentServer(made)
    expect(await refusalOf(await askAboutCall(made, agent, {}))).toEqual(
      plain(403, 'access_denied', 'approver_missing'),
    )
    named.approver = 'nobody-here'
    expect(await refusalOf(await askAboutCall(made, agent, {}))).toEqual(
      plain(403, 'access_denied', 'approver_missing'),
    )
    const one = await browserOf(made, 'grace')
    named.approver = JSON.parse(await (await one.get('/account/export')).text()).sub
    const token = await tokenIn(await redeemCode(made, agent, await approvedCode(made, agent, { one })))
    expect(token).toMatchObject({ operation_digest: digests[0] })
    // They approve a call of an agent that acts for nobody.
    expect(token).not.toHaveProperty('sub')
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'consented', user: named.approver }))
    // Nor is the yes of one whom policy names no more worth anything.
    const waiting = await approvedCode(made, agent, { one, operation: { name: 'send', digest: digests[1] } })
    const { approver = '' } = named
    named.approver = 'another-user'
    expect(await refusalOf(await redeemCode(made, agent, waiting))).toEqual(
      plain(403, 'access_denied', 'approver_missing'),
    )
    named.approver = approver
    expect((await redeemCode(made, agent, waiting)).status).toBe(200)
  })

  test('a remembered grant', async () => {
    const made = await approvalWorld()
    const agent = agentServer(made)
    const { one, sub } = await adaOf(made, agent)
    const page = await open(one, linkOf(await requestTokenOf(await askAboutCall(made, agent, { sub }))))
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Approve once')])
  })

  test('a policy that denies', async () => {
    const made = await approvalWorld()
    const { sub } = await adaOf(made, agentServer(made))
    const strict = await approvalWorld({ policy: askUsers([]) })
    const refused = await askAboutCall(strict, agentServer(strict), { sub })
    expect(await refusalOf(refused)).toEqual(plain(403, 'access_denied', 'policy_refused'))
    expect((await askAboutCall(made, agentServer(made), { sub })).status).toBe(200)
  })
})

test(
  verifies('APR-36', 'another user who opens the question is refused, and the right one still answers'),
  async () => {
    const made = await approvalWorld()
    const agent = agentServer(made)
    const { sub } = await adaOf(made, agent)
    const request_token = await requestTokenOf(await askAboutCall(made, agent, { sub }))
    const one = await browserOf(made, 'grace')
    const refused = await open(one, linkOf(request_token))
    expect([refused.status, await reasonOf(refused)]).toEqual([403, 'user_mismatched'])
    // The same browser, and now the right user.
    const csrf = await one.csrf('/login?return_to=%2Flogout')
    await one.post('/login/demo', { csrf, subject: 'ada', return_to: '/logout' })
    const page = await (await open(one, linkOf(request_token))).text()
    const back = await one.post('/agent/consent', { ...hiddenFields(page), decision: 'approve' })
    expect(answerOf(back).searchParams.get('code')).toMatch(/^[\w-]{43}$/)
  },
)

test(
  verifies(
    'UIX-36',
    'consent.claimed',
    'APR-36',
    'whom a call is asked about takes it over from any browser that opened it',
  ),
  async () => {
    const made = await approvalWorld()
    const agent = agentServer(made)
    const { one: ada, sub } = await adaOf(made, agent)
    const link = linkOf(await requestTokenOf(await askAboutCall(made, agent, { sub })))
    const grace = await browserOf(made, 'grace')
    expect(await reasonOf(await open(grace, link))).toBe('user_mismatched')
    // Ada opens it in one browser, and decides in another; what the first one showed decides nothing any more.
    const first = hiddenFields(await (await open(ada, link)).text())
    const phone = await browserOf(made, 'ada')
    const page = hiddenFields(await (await open(phone, link)).text())
    const late = await ada.post('/agent/consent', { ...first, decision: 'approve' })
    expect([late.status, await reasonOf(late)]).toEqual([400, 'link_of_another_browser'])
    expect((await open(grace, link)).status).toBe(403)
    const back = await phone.post('/agent/consent', { ...page, decision: 'approve' })
    expect(answerOf(back).searchParams.get('code')).toMatch(/^[\w-]{43}$/)
    // Decided, it is nobody else's, and no other browser's: the code goes to the one that decided.
    expect(await reasonOf(await open(ada, link))).toBe('link_of_another_browser')
  },
)

test(
  verifies(
    'UIX-36',
    'consent.claimed',
    'a code that another user types first is still answered by the user of the call',
  ),
  async () => {
    const made = await approvalWorld()
    const agent = agentServer(made)
    const { one: ada, sub } = await adaOf(made, agent)
    const resource_token = await callToken(made, agent, { sub })
    const codes = await bodyOf(await send(made, agent, { request_type: 'device_auth', resource_token }))
    const user_code = String(codes['user_code'])
    const grace = await browserOf(made, 'grace')
    for (let time = 0; time < 6; time++) {
      const refused = await grace.post('/device', { csrf: await grace.csrf('/device'), user_code })
      expect([refused.status, await reasonOf(refused)]).toEqual([403, 'user_mismatched'])
    }
    const page = await (await ada.post('/device', { csrf: await ada.csrf('/device'), user_code })).text()
    await ada.post('/device', { ...hiddenFields(page), decision: 'approve' })
    const polled = await send(made, agent, { request_type: 'device_code', device_code: String(codes['device_code']) })
    expect(polled.status).toBe(200)
  },
)

test(verifies('approval.asked', 'a user who answers no gives nothing, and may be asked again'), async () => {
  const made = await approvalWorld()
  const agent = agentServer(made)
  const { one, sub } = await adaOf(made, agent)
  const link = linkOf(await requestTokenOf(await askAboutCall(made, agent, { sub })))
  const back = await answerPage(one, link, 'deny')
  expect(answerOf(back).search).toBe('?error=access_denied&state=s1&iss=https%3A%2F%2Fauth.example')
  expect(answerOf(await open(one, link)).searchParams.get('error')).toBe('access_denied')
  expect((await askAboutCall(made, agent, { sub })).status).toBe(200)
})

test(verifies('approval.asked', 'a device asks about a call as a browser does'), async () => {
  const made = await approvalWorld()
  const agent = agentServer(made)
  const { one, sub } = await adaOf(made, agent)
  const asked = await send(made, agent, {
    request_type: 'device_auth',
    resource_token: await callToken(made, agent, { sub }),
  })
  const { device_code, user_code } = await bodyOf(asked)
  const pollDevice = () => send(made, agent, { request_type: 'device_code', device_code: String(device_code) })
  expect(await refusalOf(await pollDevice())).toEqual(plain(400, 'authorization_pending', 'decision_pending'))
  const typed = async (who: typeof one) =>
    who.post('/device', { csrf: await who.csrf('/device'), user_code: String(user_code) })
  const page = await (await typed(one)).text()
  expect(page).toContain('Approve once')
  const done = await one.post('/device', { ...hiddenFields(page), decision: 'approve' })
  expect(await done.text()).toContain('Your device goes on by itself')
  made.clock.now += 10
  const answer = await pollDevice()
  expect(await tokenIn(answer.clone())).toMatchObject({ sub, operation_digest: digests[0] })
  expect(await bodyOf(answer)).not.toHaveProperty('refresh_token')
  made.clock.now += 61
  expect(await refusalOf(await pollDevice())).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
})

describe(verifies('APR-17', 'APR-16', 'approval.display', 'before a page is refused:'), () => {
  test.each<[string, unknown]>([
    ['a display that is a string', { name: 'send', digest: digests[0], display: 'Send' }],
    ['a display of 1000 parts', { name: 'send', digest: digests[0], display: Array.from({ length: 1000 }, () => 'a') }],
    ['a display that is an object', { name: 'send', digest: digests[0], display: { 0: 'Send' } }],
    ['a display of 501 code points', { name: 'send', digest: digests[0], display: ['x'.repeat(501)] }],
    ...['\u202e', '\u2066', '\u200b', '\n', '\u2028', '\u001f'].map((mark): [string, unknown] => [
      `a value with U+${(mark.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
      { name: 'send', digest: digests[0], display: ['Send ', `a${mark}b`] },
    ]),
    ['an operation that its metadata do not list', { name: 'steal', digest: digests[0], display }],
    ['an operation with the name of a built-in member', { name: 'constructor', digest: digests[0] }],
    ['a digest of 42 characters', { name: 'send', digest: 'A'.repeat(42) }],
    ['a digest of 44 characters', { name: 'send', digest: 'A'.repeat(44) }],
    ['a member that is unknown', { name: 'send', digest: digests[0], approved: true }],
    ['null', null],
  ])('%s', async (_, operation) => {
    const made = await approvalWorld()
    const agent = agentServer(made)
    const { sub } = await adaOf(made, agent)
    const refused = await askAboutCall(made, agent, { sub, operation })
    expect(await refusalOf(refused)).toEqual(plain(400, 'invalid_resource_token', 'operation_malformed'))
    expect((await askAboutCall(made, agent, { sub })).status).toBe(200)
  })

  test('and its twin of 500 code points is shown whole', async () => {
    const made = await approvalWorld()
    const agent = agentServer(made)
    const { one, sub } = await adaOf(made, agent)
    const operation = { name: 'send', digest: digests[0], display: ['Send ', '😀'.repeat(490), ' now!'] }
    const asked = await askAboutCall(made, agent, { sub, operation })
    const page = await (await open(one, linkOf(await requestTokenOf(asked)))).text()
    expect(page).toContain(`<bdi>${'😀'.repeat(490)}</bdi>`)
  })
})

test(
  verifies('APR-33', 'approval.token', 'neither another key nor one after a rotation redeems an approval'),
  async () => {
    const made = await approvalWorld()
    const phone = await delegate(made, 'phone')
    const { one, sub } = await adaOf(made, phone)
    const code = await approvedCode(made, phone, { one, sub })
    const rotated = await delegate(made, 'phone')
    const refused = plain(400, 'invalid_grant', 'grant_invalid')
    expect(await refusalOf(await redeemCode(made, rotated, code))).toEqual(refused)
    expect(await refusalOf(await redeemCode(made, await delegate(made, 'laptop'), code))).toEqual(refused)
    expect((await redeemCode(made, phone, code)).status).toBe(200)
    // With the new key a new question is asked.
    expect((await askAboutCall(made, rotated, { sub })).status).toBe(200)
  },
)
