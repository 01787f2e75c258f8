import { explain, inbox } from '@countersign/agent'
import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type AccountUser,
  accountOf,
  lunch,
  lunchShown,
  type MailPlace,
  mailPlace,
  questionsOn,
  sendMail,
} from './mail-place.fixture.js'

// An agent that works while its user does something else: the questions about its messages wait at her auth server.

let place: MailPlace
let ada: AccountUser

beforeAll(async () => {
  place = await mailPlace({ interact: otherwise => inbox({ otherwise }) })
  ada = await accountOf(place.auth)
})

afterAll(() => place.close())

/** Waits for a question in the inbox, and answers it. Returns what the page says then. */
async function answer(button: string): Promise<string> {
  const open = async (): Promise<string[]> => questionsOn(await ada.open('/account/approvals'))
  await expect.poll(open, { timeout: 10_000, interval: 100 }).toHaveLength(1)
  const [question = ''] = await open()
  return ada.open(question, [button])
}

describe(verifies('APR-10', 'approval.inbox', 'from the agent to the inbox and back:'), () => {
  test('a user without an inbox is sent to the approval page', async () => {
    const response = await sendMail(place, lunch)
    expect(response.status, explain(response).reason).toBe(200)
    expect(place.sent).toEqual([lunch])
    expect(place.visits.map(({ operation }) => operation)).toEqual([undefined, lunchShown])
    expect(place.told).toContain(`${place.auth} keeps no inbox for this user: asking as usual`)
  })

  test('a user who turned it on answers on the account page, and no browser is opened', async () => {
    expect(await ada.open('/account/approvals', ['Turn the inbox on'])).toContain('The inbox is on.')
    const [ran, asked] = [place.sent.length, place.visits.length]
    const call = sendMail(place, lunch)
    expect(await answer('Approve once')).toContain('Approved. The agent goes on by itself.')
    expect((await call).status).toBe(200)
    expect([place.sent.length - ran, place.visits.length - asked]).toEqual([1, 0])
    expect(place.told).toContain(`the question waits in the inbox of a user at ${place.auth}`)
  })

  test('a no is told to the agent, which asks nobody else', async () => {
    const [ran, asked] = [place.sent.length, place.visits.length]
    const call = sendMail(place, lunch)
    expect(await answer('No')).toContain('Refused. The agent is told so.')
    const response = await call
    expect([response.status, explain(response)]).toMatchObject([
      401,
      { outcome: 'gave_up', reason: expect.stringContaining('the user said no (access_denied)') },
    ])
    expect([place.sent.length - ran, place.visits.length - asked]).toEqual([0, 0])
  })

  test('and so is the wish for no more questions', async () => {
    const call = sendMail(place, lunch)
    expect(await answer('No, and stop asking')).toContain('The agent is not to ask you again there')
    expect(explain(await call).reason).toContain('the user said no (access_denied)')
    const asked = place.visits.length
    expect(explain(await sendMail(place, lunch)).reason).toContain('(403 access_denied approval_stopped)')
    expect(place.visits.length).toBe(asked)
  })
})
