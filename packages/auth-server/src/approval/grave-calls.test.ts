import { verifies } from '@countersign/requirements'
import { answerPage, calendar, callToken, digests, display } from '@countersign/testing/auth/approval'
import { answerOf, open } from '@countersign/testing/auth/consent'
import { type Account, formIn, type PasskeyWorld, passkeyWorld } from '@countersign/testing/auth/passkey-world'
import { agentServer, send } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { sqliteFiles } from '@countersign/testing/folders'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'
import { askUsers } from '../policy/policies.js'

const newFile = sqliteFiles()
const redirect_uri = 'https://agent.example/callback'

interface Place extends PasskeyWorld {
  readonly told: string[]
}

async function place(): Promise<Place> {
  const told: string[] = []
  const at = await passkeyWorld({
    database: newFile(),
    policy: askUsers([{ agents: 'any', resources: [calendar] }]),
    async fetch(input, init) {
      told.push(new URLSearchParams(await new Request(input, init).text()).get('grant') ?? '')
      return new Response(null, { status: 204 })
    },
  })
  const agent = 'https://agent.example/.well-known/aauth-agent'
  at.made.web.set(agent, { ...Object(at.made.web.get(agent)), redirect_uris: [redirect_uri] })
  publishResource(at.made, calendar, [at.made.resourceKey], {
    supported_scopes: ['events.write'],
    operations: { send: 'Send an invitation', purge: { description: 'Delete everything', grave: true } },
    revocation_endpoint: `${calendar}/aauth/revoked-grants`,
  })
  return { ...at, told }
}

/** The link to the question about one operation, and its request token. */
async function ask({ made }: Place, { sub }: Account, name: string): Promise<{ link: string; request_token: string }> {
  const operation = { name, digest: digests[0], display }
  const resource_token = await callToken(made, agentServer(made), { sub, operation })
  const form = { request_type: 'auth', resource_token, redirect_uri, state: 's' }
  const request_token = String((await bodyOf(await send(made, agentServer(made), form)))['request_token'])
  return { link: `/agent/authorize?${new URLSearchParams({ request_token, redirect_uri, state: 's' })}`, request_token }
}

test(
  verifies(
    'consent.grave.fresh',
    'approval.asked',
    'an approval of a grave operation comes with the passkey of its user',
  ),
  async () => {
    const at = await place()
    const ada = await at.account('Ada')
    at.made.clock.now += 61
    const { link } = await ask(at, ada, 'purge')
    expect(await (await open(ada.one, link)).text()).toContain('Far-reaching:')
    const page = await answerPage(ada.one, link, 'approve')
    expect(page.status).toBe(200)
    const { action, options, fields } = formIn(await page.text())
    expect([action, fields['decision']]).toEqual(['/agent/consent', 'approve'])
    const post = (credential: string) => ada.one.post(action, { ...fields, credential })
    expect((await post((await at.account('Bob')).passkey.signed(options))).status).toBe(400)
    expect(answerOf(await post(ada.passkey.signed(options))).searchParams.has('code')).toBe(true)
    // Its twins: a no, and an operation that is not grave.
    at.made.clock.now += 61
    const no = await answerPage(ada.one, (await ask(at, ada, 'purge')).link, 'deny')
    expect(answerOf(no).searchParams.get('error')).toBe('access_denied')
    const yes = await answerPage(ada.one, (await ask(at, ada, 'send')).link, 'approve')
    expect(answerOf(yes).searchParams.has('code')).toBe(true)
  },
)

test(
  verifies('APR-35', 'account.deleted', 'approvals go with the account, and living ones end with their own notice'),
  async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const { link, request_token } = await ask(at, ada, 'send')
    const code = answerOf(await answerPage(ada.one, link, 'approve')).searchParams.get('code') ?? ''
    const form = { request_type: 'code', code, request_token, redirect_uri }
    const { auth_token } = await bodyOf(await send(at.made, agentServer(at.made), form))
    const another = await ask(at, ada, 'purge')
    const page = await (await open(ada.one, another.link)).text()
    expect(await (await ada.one.get('/account/approvals')).text()).toContain('bob@partner.example')
    const csrf = await ada.one.csrf('/account/data')
    const deleted = await ada.one.post('/account/delete', { csrf, sure: '1' })
    expect(deleted.status).toBe(200)
    await expect.poll(() => at.told).toEqual([part(auth_token, 1)['grant']])
    // What was open on another page gives nothing.
    const late = await ada.one.post('/agent/consent', { ...hiddenFields(page), decision: 'approve' })
    expect(late.status).not.toBe(303)
  },
)
