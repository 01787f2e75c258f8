import { verifies } from '@countersign/requirements'
import {
  adaOf,
  answerInbox,
  answerPage,
  approvalWorld,
  askAboutCall,
  askInInbox,
  poll,
  questionsIn,
  turnOn,
} from '@countersign/testing/auth/approval'
import { answerOf, askUser, callback, linkOf, open, requestTokenOf } from '@countersign/testing/auth/consent'
import { agentServer, delegate, otherAgent, type Signer, send, type World } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

const exceeded = plain(429, 'rate_limited', 'approvals_exceeded')

/** A digest of its own for each number. */
const operation = (number: number) => ({ name: 'send', digest: `${String(number).padStart(42, 'A')}E` })

const ask = (made: World, signer: Signer, o: { readonly sub: string; readonly number: number }): Promise<Response> =>
  askAboutCall(made, signer, { sub: o.sub, operation: operation(o.number) })

/** Another agent, to which the user has given nothing. */
async function stranger(made: World): Promise<Signer> {
  const signer = await otherAgent(made)
  const url = `${signer.agent}/.well-known/aauth-agent`
  made.web.set(url, { ...Object(made.web.get(url)), redirect_uris: [callback] })
  return signer
}

test(
  verifies('APR-21', 'approval.limits', 'a user has 5 open questions of a delegate and 10 of an agent'),
  async () => {
    const made = await approvalWorld()
    const [phone, laptop, watch] = [
      await delegate(made, 'phone'),
      await delegate(made, 'laptop'),
      await delegate(made, 'watch'),
    ]
    const { sub } = await adaOf(made, phone)
    const statuses: number[] = []
    for (let number = 0; number < 5; number++) statuses.push((await ask(made, phone, { sub, number })).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200])
    const sixth = await ask(made, phone, { sub, number: 5 })
    expect(sixth.headers.get('retry-after')).toBe('600')
    expect(await refusalOf(sixth)).toEqual(exceeded)
    for (let number = 0; number < 5; number++) expect((await ask(made, laptop, { sub, number })).status).toBe(200)
    expect(await refusalOf(await ask(made, watch, { sub, number: 0 }))).toEqual(exceeded)
    // Another agent, and the same one once the questions have ended.
    expect((await ask(made, await stranger(made), { sub, number: 0 })).status).toBe(200)
    made.clock.now += 600
    expect((await ask(made, await delegate(made, 'phone'), { sub, number: 5 })).status).toBe(200)
  },
)

test(verifies('APR-21', 'approval.limits', 'and 50 a day, of which strangers use up none'), async () => {
  const made = await approvalWorld({ approvalLimits: { day: 3 } })
  const agent = agentServer(made)
  const { one, sub } = await adaOf(made, agent)
  const other = await stranger(made)
  for (let number = 0; number < 3; number++) expect((await ask(made, other, { sub, number })).status).toBe(200)
  expect(await refusalOf(await ask(made, other, { sub, number: 3 }))).toEqual(exceeded)
  for (let number = 0; number < 3; number++) {
    const link = linkOf(await requestTokenOf(await ask(made, agent, { sub, number })))
    await answerPage(one, link, 'deny')
  }
  made.clock.now += 100
  const fourth = await ask(made, agent, { sub, number: 3 })
  expect(fourth.headers.get('retry-after')).toBe('86300')
  expect(await refusalOf(fourth)).toEqual(exceeded)
  made.clock.now += 86_300
  expect((await ask(made, agent, { sub, number: 3 })).status).toBe(200)
})

test(verifies('approval.limits', 'limits below one, and limits that are none, are refused at the start'), async () => {
  await expect(approvalWorld({ approvalLimits: { day: 0 } })).rejects.toBeInstanceOf(RangeError)
  const misspelt = { days: 3 } as { day?: number }
  await expect(approvalWorld({ approvalLimits: misspelt })).rejects.toBeInstanceOf(TypeError)
})

test(verifies('APR-37', 'an equal open question is the same one, under the token asked for last'), async () => {
  const made = await approvalWorld()
  const agent = agentServer(made)
  const { one, sub } = await adaOf(made, agent)
  await turnOn(one)
  const tokens: string[] = []
  for (let time = 0; time < 8; time++) {
    const answer = await askInInbox(made, agent, { sub })
    tokens.push(String((await bodyOf(answer))['request_token']))
  }
  expect(new Set(tokens).size).toBe(8)
  const questions = await questionsIn(one)
  expect(questions).toHaveLength(1)
  await answerInbox(one, questions[0] ?? '', 'approve')
  const answers = await Promise.all(tokens.map(token => poll(made, agent, token)))
  // One yes, one token.
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 400, 400, 200])
  // Another digest, operation or delegate is another question.
  await askInInbox(made, agent, { sub, operation: operation(1) })
  await askInInbox(made, agent, { sub, operation: { ...operation(1), name: 'purge' } })
  expect(await questionsIn(one)).toHaveLength(2)
})

test(
  verifies('APR-21', 'approval.limits', 'of a burst at two instances no more than the limit are stored'),
  async () => {
    const made = await approvalWorld({ database: sqliteOfTest() })
    const phone = await delegate(made, 'phone')
    const { sub } = await adaOf(made, phone)
    const other = { ...made, auth: await made.reopen() }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, number) => ask(number % 2 === 0 ? made : other, phone, { sub, number })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15)
  },
)

test(
  verifies(
    'approval.limits',
    'an agent that was told to stop is refused, and its grant is suspended until the user changes that',
  ),
  async () => {
    const made = await approvalWorld()
    const phone = await delegate(made, 'phone', { claims: { exp: made.clock.now + 86_400 } })
    const ada = await adaOf(made, phone)
    const { one, sub, refresh_token, grant } = ada
    const request_token = await requestTokenOf(await ask(made, phone, { sub, number: 0 }))
    const another = await requestTokenOf(await ask(made, phone, { sub, number: 1 }))
    const back = await answerPage(one, linkOf(request_token), 'stop')
    expect(answerOf(back).searchParams.get('error')).toBe('access_denied')
    await expect.poll(() => made.told).toEqual([grant])
    const stopped = plain(403, 'access_denied', 'approval_stopped')
    const refresh = () => send(made, phone, { request_type: 'refresh', refresh_token })
    expect(await refusalOf(await refresh())).toEqual(stopped)
    expect(await refusalOf(await ask(made, phone, { sub, number: 2 }))).toEqual(stopped)
    // All delegates are meant, and questions that were open.
    expect(await refusalOf(await ask(made, await delegate(made, 'laptop'), { sub, number: 2 }))).toEqual(stopped)
    const other = await open(one, linkOf(another))
    expect(answerOf(other).searchParams.get('error')).toBe('access_denied')
    // Access that was asked for and is remembered.
    const access = await requestTokenOf(await askUser(made, phone, { scope: 'events.write' }))
    const told = await open(one, linkOf(access))
    expect(answerOf(told).search).toBe('?error=access_denied&state=s1&iss=https%3A%2F%2Fauth.example')
    expect(made.events.at(-1)).toMatchObject({ type: 'refused', reason: 'approval_stopped', user: sub })
    expect(await (await one.get('/account/approvals')).text()).toContain('Let it ask again')
    expect(await (await one.get('/account')).text()).toContain('It rests, because')
    const csrf = await one.csrf('/account/approvals')
    const form = { csrf, agent: 'https://agent.example', resource: 'https://calendar.example' }
    const allowed = await one.post('/account/approvals/allow', form)
    expect(allowed.headers.get('location')).toBe('/account/approvals?done=allowed')
    const answer = await refresh()
    expect(answer.status).toBe(200)
    // It continues under a new name.
    expect(part((await bodyOf(answer))['auth_token'], 1)['grant']).not.toBe(grant)
    expect((await ask(made, phone, { sub, number: 2 })).status).toBe(200)
    expect(made.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['declined', 'approvals_stopped', 'approvals_allowed']),
    )
  },
)

test(verifies('approval.limits', 'who polls hears that the agent is to stop asking'), async () => {
  const made = await approvalWorld()
  const agent = agentServer(made)
  const { one, sub } = await adaOf(made, agent)
  await turnOn(one)
  const { request_token } = await bodyOf(await askInInbox(made, agent, { sub }))
  const [question = ''] = await questionsIn(one)
  const done = await answerInbox(one, question, 'stop')
  expect(done.headers.get('location')).toBe('/account/approvals?done=stopped')
  const polled = await poll(made, agent, String(request_token))
  expect(await refusalOf(polled)).toEqual(plain(403, 'access_denied', 'approval_stopped'))
})
