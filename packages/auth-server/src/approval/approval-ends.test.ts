import { verifies } from '@countersign/requirements'
import { databasesForTests } from '@countersign/testing/databases'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { redeemCode } from '../consent/consent.test.fixture.js'
import { agentServer, delegate, send } from '../world.test.fixture.js'
import {
  adaOf,
  answerInbox,
  approvalWorld,
  approvedCode,
  askAboutCall,
  askInInbox,
  digests,
  openInbox,
  poll,
  questionsIn,
  tokenIn,
  turnOn,
} from './approval.test.fixture.js'

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
    // A yes whose code was not redeemed gives nothing any more.
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
