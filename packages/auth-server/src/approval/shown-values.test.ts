import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import {
  adaOf,
  answerInbox,
  answerPage,
  approvalWorld,
  approvedCode,
  askAboutCall,
  askInInbox,
  digests,
  questionsIn,
  turnOn,
} from '@countersign/testing/auth/approval'
import { linkOf, open, redeemCode, requestTokenOf } from '@countersign/testing/auth/consent'
import { agentServer } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { migrations, room, type Tables } from '../tables/tables.js'

const secret = 'Operation Thunderbolt'
const operation = { name: 'send', digest: digests[0], display: ['Send ', secret] }

async function rows(url: string): Promise<string> {
  const store = await openStore<Tables>({ url, room, migrations })
  const tables = await Promise.all([
    store.db.selectFrom('auth_server_approvals').selectAll().execute(),
    store.db.selectFrom('auth_server_requests').selectAll().execute(),
    store.db.selectFrom('auth_server_grants').selectAll().execute(),
    store.db.selectFrom('auth_server_notices').selectAll().execute(),
    store.db.selectFrom('auth_server_history').selectAll().execute(),
  ])
  await store.close()
  return JSON.stringify(tables)
}

test(
  verifies(
    'APR-35',
    'approval.display',
    'values of a call are in no event and no error page, and are kept for an approval only',
  ),
  async () => {
    const database = sqliteOfTest()
    const made = await approvalWorld({ database })
    const agent = agentServer(made)
    const { one, sub } = await adaOf(made, agent)
    await turnOn(one)
    const refused = await requestTokenOf(await askAboutCall(made, agent, { sub, operation }))
    expect(await (await open(one, linkOf(refused))).text()).toContain(secret)
    await answerPage(one, linkOf(refused), 'deny')
    await askInInbox(made, agent, { sub, operation })
    const wrong = await one.post('/account/approval', { csrf: 'x', question: (await questionsIn(one))[0] ?? '' })
    expect(await wrong.text()).not.toContain(secret)
    await answerInbox(one, (await questionsIn(one))[0] ?? '', 'stop')
    expect(await rows(database)).not.toContain(secret)
    const csrf = await one.csrf('/account/approvals')
    await one.post('/account/approvals/allow', {
      csrf,
      agent: 'https://agent.example',
      resource: 'https://calendar.example',
    })
    await redeemCode(made, agent, await approvedCode(made, agent, { one, sub, operation }))
    const hostile = { ...operation, display: [secret, '\u202e'] }
    const page = await askAboutCall(made, agent, { sub, operation: hostile })
    expect([page.status, await page.text()]).toEqual([400, expect.not.stringContaining(secret)])
    expect(JSON.stringify(made.events)).not.toContain(secret)
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'consented', operation: 'send' }))
    // The history of the user, and their copy of it, until the account is deleted.
    expect(await (await one.get('/account/approvals')).text()).toContain(secret)
    const copy = await bodyOf(await one.get('/account/export'))
    expect(copy['approvals']).toContainEqual(
      expect.objectContaining({ operation: 'send', display: operation.display, answer: 'approved' }),
    )
    expect(copy['approvals_inbox']).toBe('on')
  },
)

test(
  verifies('approval.limits', 'APR-35', 'a question that nobody answers loses its values, and old ones go'),
  async () => {
    const database = sqliteOfTest()
    const made = await approvalWorld({ database })
    const agent = agentServer(made)
    const { one, sub } = await adaOf(made, agent)
    await approvedCode(made, agent, { one, sub, operation: { ...operation, display: ['Send ', 'approved'] } })
    await askAboutCall(made, agent, { sub, operation: { ...operation, digest: digests[1] } })
    const after = async (seconds: number): Promise<void> => {
      made.clock.now += seconds
      await made.auth.ready()
    }
    const stored = (): Promise<string> => rows(database)
    expect(await stored()).toContain(secret)
    await after(700)
    await expect.poll(stored, { timeout: 10_000 }).not.toContain(secret)
    await after(86_400)
    await expect.poll(stored, { timeout: 10_000 }).not.toContain(digests[1])
    expect(await stored()).toContain('approved')
    await after(90 * 86_400)
    await expect.poll(stored, { timeout: 10_000 }).not.toContain(digests[0])
  },
)

const attacks: readonly string[] = [
  'Lunch" to bob@example.org and nothing else. "',
  '<a href="https://evil.example">here</a>',
  'javascript:alert(1)',
  'https://evil.example/?a=b&c=d',
  '</bdi></span></p><h1>Checked</h1>',
]

test.each(attacks)(
  verifies(
    'APR-15',
    'approval.display',
    'the value %s stands in its own frame, inert, and apart from the words around it',
  ),
  async value => {
    const made = await approvalWorld()
    const agent = agentServer(made)
    const { one, sub } = await adaOf(made, agent)
    const display = ['Send ', value, ' to ', 'bob@partner.example']
    const asked = await askAboutCall(made, agent, {
      sub,
      operation: { ...operation, display },
      form: { purpose: value },
    })
    const page = await (await open(one, linkOf(await requestTokenOf(asked)))).text()
    const shown = value
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
    const around = '<span class="aside"> value: </span><span class="value"><bdi>'
    expect(page).toContain(`<bdi>Send </bdi>${around}${shown}</bdi></span>`)
    expect(page).toContain('<bdi> to </bdi>')
    expect([...page.matchAll(/<(?:a|h1|script)\b[^>]*>/g)].map(([tag]) => tag)).toEqual([
      '<h1 class="asks">',
      expect.stringContaining('/account/approvals'),
      expect.stringContaining('/language'),
    ])
    expect(page).not.toMatch(/type="checkbox"/)
  },
)
