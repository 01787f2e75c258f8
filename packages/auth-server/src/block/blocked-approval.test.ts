import { operatorOf } from '@countersign/console'
import { verifies } from '@countersign/requirements'
import {
  adaOf,
  answerInbox,
  approvalWorld,
  askInInbox,
  openInbox,
  poll,
  questionsIn,
  turnOn,
} from '@countersign/testing/auth/approval'
import { reasonOf } from '@countersign/testing/auth/browser'
import { delegate } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

const agent = 'https://agent.example'

/** A question in Ada's inbox, and another instance, whose operator blocks. */
async function place() {
  const made = await approvalWorld({ database: sqliteOfTest() })
  const phone = await delegate(made, 'phone', { claims: { exp: made.clock.now + 86_400 } })
  const ada = await adaOf(made, phone)
  await turnOn(ada.one)
  const { request_token } = await bodyOf(await askInInbox(made, phone, { sub: ada.sub }))
  const [question = ''] = await questionsIn(ada.one)
  const operator = operatorOf(await made.reopen())
  return { made, phone, ada, question, operator, token: String(request_token) }
}

test(
  verifies(
    'error.access-denied',
    'a question of an agent that was blocked is neither shown, nor answered, nor fetched',
  ),
  async () => {
    const { made, phone, ada, question, operator, token } = await place()
    const answer = await openInbox(ada.one, question)
    await operator.agents.block({ agent, delegate: 'phone' })
    made.clock.now += 2
    const shown = await ada.one.get(`/account/approval?question=${question}`)
    // It ended with the grant (§9.4).
    expect([shown.status, await reasonOf(shown)]).toEqual([404, 'request_ended'])
    expect((await answer('approve')).status).toBe(404)
    expect(await refusalOf(await poll(made, phone, token))).toEqual(plain(403, 'access_denied', 'caller_blocked'))
    await operator.agents.unblock({ agent, delegate: 'phone' })
    made.clock.now += 2
    expect((await ada.one.get(`/account/approval?question=${question}`)).status).toBe(404)
    expect(await refusalOf(await poll(made, phone, token))).toEqual(plain(403, 'access_denied', 'user_refused'))
  },
)

test(
  verifies(
    'error.access-denied',
    'an approval that a user gave is not fetched once the user is blocked, nor one asked for',
  ),
  async () => {
    const { made, phone, ada, question, operator, token } = await place()
    expect((await answerInbox(ada.one, question, 'approve')).status).toBe(303)
    await operator.users.block(ada.sub)
    made.clock.now += 2
    // What waits for its agent is gone, too.
    expect(await refusalOf(await poll(made, phone, token))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
    const again = await refusalOf(await askInInbox(made, phone, { sub: ada.sub }))
    expect(again.status).toBe(403)
    expect(await (await ada.one.get('/account/approvals')).text()).toContain('Sign in')
  },
)
