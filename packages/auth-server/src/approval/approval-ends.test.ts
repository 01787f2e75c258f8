import type { Operator } from '@countersign/console'
import { operatorOf } from '@countersign/console'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import {
  type Ada,
  type ApprovalWorld,
  adaOf,
  answerInbox,
  approvalWorld,
  approvedCode,
  askAboutCall,
  askInInbox,
  calendar,
  callToken,
  digests,
  openInbox,
  poll,
  questionsIn,
  tokenIn,
  turnOn,
} from '@countersign/testing/auth/approval'
import { signInAs } from '@countersign/testing/auth/browser'
import { answerOf, linkOf, open, redeemCode, requestTokenOf } from '@countersign/testing/auth/consent'
import { agentServer, delegate, type Signer, send } from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'

const agentId = 'https://agent.example'
/** The digest of a third call. */
const third = `${'C'.repeat(42)}E`

const databases = await databasesForTests(2)

test(
  verifies('REV-30', 'approval.token', 'a living approval ends, by its own notice, when the user takes the agent back'),
  async () => {
    const made = await approvalWorld()
    const agent = agentServer(made)
    const { one, sub, grant } = await adaOf(made, agent)
    const token = await tokenIn(await redeemCode(made, agent, await approvedCode(made, agent, { one, sub })))
    const waiting = await approvedCode(made, agent, { one, sub, operation: { name: 'send', digest: digests[1] } })
    const form = { csrf: await one.csrf('/account'), agent: 'https://agent.example' }
    await one.post('/account/take-back', form)
    await expect.poll(() => new Set(made.told)).toEqual(new Set([grant, String(token['grant'])]))
    // An approval whose code was not redeemed gives nothing any more.
    const refused = await redeemCode(made, agent, waiting)
    expect(await refusalOf(refused)).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
  },
)

test(
  verifies('REV-30', 'approval.token', 'and when the agent gives its grant back, but not with that of another'),
  async () => {
    const made = await approvalWorld()
    const [phone, laptop] = [await delegate(made, 'phone'), await delegate(made, 'laptop')]
    const ofPhone = await adaOf(made, phone)
    const { one, sub } = ofPhone
    const ofLaptop = await adaOf(made, laptop, { one })
    const token = await tokenIn(await redeemCode(made, phone, await approvedCode(made, phone, { one, sub })))
    const waiting = await approvedCode(made, phone, { one, sub, operation: { name: 'send', digest: digests[1] } })
    await send(made, laptop, { token: ofLaptop.refresh_token }, { target: '/agent/revoke' })
    await expect.poll(() => made.told).toEqual([ofLaptop.grant])
    await send(made, phone, { token: ofPhone.refresh_token }, { target: '/agent/revoke' })
    await expect
      .poll(() => new Set(made.told))
      .toEqual(new Set([ofLaptop.grant, ofPhone.grant, String(token['grant'])]))
    expect(await refusalOf(await redeemCode(made, phone, waiting))).toEqual(
      plain(400, 'invalid_grant', 'grant_invalid'),
    )
  },
)

/** How the access of the caller of a question ends. */
const endings: ReadonlyArray<readonly [how: string, end: (place: Ending) => Promise<unknown>]> = [
  [
    'the user takes everything back',
    async ({ ada: { one } }) => one.post('/account/take-back', { csrf: await one.csrf('/account'), what: 'all' }),
  ],
  [
    'the user takes one scope of it back',
    async ({ ada: { one } }) =>
      one.post('/account/take-back', {
        csrf: await one.csrf('/account'),
        agent: agentId,
        delegate: 'phone',
        resource: calendar,
        scope: 'events.write',
      }),
  ],
  [
    'the agent gives its grant back',
    ({ made, phone, ada }) => send(made, phone, { token: ada.refresh_token }, { target: '/agent/revoke' }),
  ],
  ['the operator revokes it', ({ operator, ada: { grant } }) => operator.grants.revoke({ grant })],
  ['the operator revokes all of the agent', ({ operator }) => operator.grants.revoke({ agent: agentId })],
  [
    'the operator blocks the user, and lets them in again',
    async ({ made, ada, operator }) => {
      await operator.users.block(ada.sub)
      await operator.users.unblock(ada.sub)
      made.clock.now += 3
      await signInAs(ada.one, 'ada')
    },
  ],
]

interface Ending {
  readonly made: ApprovalWorld
  readonly phone: Signer
  readonly ada: Ada
  readonly operator: Operator
}

test.each(endings)(
  verifies('APR-40', 'approval.ended', 'an open question ends with the access of its caller: %s'),
  async (_how, end) => {
    const made = await approvalWorld({ database: sqliteOfTest() })
    const operator = operatorOf(await made.reopen())
    const phone = await delegate(made, 'phone', { claims: { exp: made.clock.now + 86_400 } })
    const laptop = await delegate(made, 'laptop', { claims: { exp: made.clock.now + 86_400 } })
    const ada = await adaOf(made, phone)
    const { one, sub } = ada
    await turnOn(one)
    const waiting = String((await bodyOf(await askInInbox(made, phone, { sub })))['request_token'])
    const [question = ''] = await questionsIn(one)
    const answer = await openInbox(one, question)
    const linked = await requestTokenOf(
      await askAboutCall(made, phone, { sub, operation: { name: 'send', digest: digests[1] } }),
    )
    const code = await bodyOf(
      await send(made, phone, {
        request_type: 'device_auth',
        resource_token: await callToken(made, phone, { sub, operation: { name: 'send', digest: third } }),
      }),
    )
    await end({ made, phone, ada, operator })
    // Neither in the inbox, on the page that was open, behind the link, nor on a device: no yes is taken, and each agent is told.
    expect(await questionsIn(one)).toEqual([])
    expect((await answer('approve')).status).not.toBe(303)
    expect(await refusalOf(await poll(made, phone, waiting))).toEqual(plain(403, 'access_denied', 'user_refused'))
    expect(answerOf(await open(one, linkOf(linked))).searchParams.get('error')).toBe('access_denied')
    const device = { request_type: 'device_code', device_code: String(code['device_code']) }
    expect(await refusalOf(await send(made, phone, device))).toEqual(plain(403, 'access_denied', 'user_refused'))
    expect(made.events.filter(({ type }) => type === 'consented')).toHaveLength(1)
    // The twin: a question under a grant that lives is answered.
    const { sub: same } = await adaOf(made, laptop, { one })
    const other = String((await bodyOf(await askInInbox(made, laptop, { sub: same })))['request_token'])
    await answerInbox(one, (await questionsIn(one))[0] ?? '', 'approve')
    expect((await poll(made, laptop, other)).status).toBe(200)
  },
)

test(verifies('APR-40', 'approval.ended', 'the end of one grant leaves the questions under another open'), async () => {
  const made = await approvalWorld()
  const [phone, laptop] = [await delegate(made, 'phone'), await delegate(made, 'laptop')]
  const { one, sub } = await adaOf(made, phone)
  const ofLaptop = await adaOf(made, laptop, { one })
  await turnOn(one)
  const token = String((await bodyOf(await askInInbox(made, phone, { sub })))['request_token'])
  await send(made, laptop, { token: ofLaptop.refresh_token }, { target: '/agent/revoke' })
  await answerInbox(one, (await questionsIn(one))[0] ?? '', 'approve')
  expect((await poll(made, phone, token)).status).toBe(200)
})

test(
  verifies('APR-40', 'approval.ended', 'a question that is stored while its grant ends is not answered either'),
  async () => {
    const database = sqliteOfTest()
    const made = await approvalWorld({ database })
    const phone = await delegate(made, 'phone')
    const { one, sub, refresh_token } = await adaOf(made, phone)
    await turnOn(one)
    const asked = String((await bodyOf(await askInInbox(made, phone, { sub })))['request_token'])
    // As it stands where the question was written after the grant had ended.
    const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
    await store.write(tx => tx.deleteFrom('auth_server_grants').where('user_sub', '=', sub).execute())
    await store.close()
    expect(await send(made, phone, { request_type: 'refresh', refresh_token })).toMatchObject({ status: 400 })
    const [question = ''] = await questionsIn(one)
    expect((await answerInbox(one, question, 'approve')).status).toBe(404)
    expect(await refusalOf(await poll(made, phone, asked))).toEqual(plain(403, 'access_denied', 'user_refused'))
  },
)

for (const { name, away, url } of databases)
  test.skipIf(away !== '')(
    verifies(
      'approval.inbox',
      'approval.token',
      'REV-30',
      `on ${name}: a question, its answer, its one token and its end${away}`,
    ),
    async () => {
      const made = await approvalWorld({ database: url() })
      const agent = agentServer(made)
      const { one, sub, grant } = await adaOf(made, agent)
      await turnOn(one)
      const other = { ...made, auth: await made.reopen() }
      const asked = await Promise.all([made, other].map(each => askInInbox(each, agent, { sub })))
      expect(asked.map(({ status }) => status)).toEqual([200, 200])
      const tokens = await Promise.all(asked.map(async each => String((await bodyOf(each))['request_token'])))
      const [question = '', second] = await questionsIn(one)
      expect(second).toBeUndefined()
      // Both pages are open before either answer is sent.
      const [first, twin] = [await openInbox(one, question), await openInbox(one, question)]
      const said = await Promise.all([first('approve'), twin('deny')])
      expect(said.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 404])
      const isYes = said[0].status === 303
      const polled = await Promise.all([made, other].flatMap(each => tokens.map(token => poll(each, agent, token))))
      const given = await Promise.all(
        polled.filter(({ status }) => status === 200).map(async each => (await tokenIn(each))['jti']),
      )
      expect(new Set(given).size).toBe(isYes ? 1 : 0)
      const stopped = await askInInbox(made, agent, { sub, operation: { name: 'purge', digest: digests[1] } })
      expect(stopped.status).toBe(200)
      await answerInbox(one, (await questionsIn(one))[0] ?? '', 'stop')
      await expect
        .poll(() => new Set(made.told), { timeout: 10_000 })
        .toEqual(new Set([grant, ...(isYes ? [question] : [])]))
      const refused = await askAboutCall(other, agent, { sub })
      expect(await refusalOf(refused)).toEqual(plain(403, 'access_denied', 'approval_stopped'))
    },
    60_000,
  )
