import { askUsers } from '@countersign/auth-server'
import type { Conditions } from '@countersign/conditions'
import { verifies } from '@countersign/requirements'
import { answerInbox, askInInbox, digests, questionsIn, turnOn } from '@countersign/testing/auth/approval'
import {
  answerOf,
  askUser,
  browserOf,
  callback,
  consentWorld,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { textOf } from '@countersign/testing/auth/consent-page'
import { delegate, granted, newYear, send } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

// Resources count calls for the life of a grant by its name: a grant that continues under a new one would begin anew.

const calendar = 'https://calendar.example'
const scope = 'events.read events.write'
const agent = 'https://agent.example'
const link = `/account/limits?${new URLSearchParams({ agent, delegate: 'phone', resource: calendar })}`
const once: Conditions = [
  { type: 'calls', max: 1, per: 'grant' },
  { type: 'until', time: newYear + 3600 },
]
const ended = plain(400, 'invalid_grant', 'grant_invalid')

async function place(operator: Conditions = []) {
  const made = await consentWorld({
    policy: askUsers([{ agents: 'any', resources: 'any', conditions: operator }]),
    fetch: async () => new Response(null, { status: 204 }),
  })
  publishResource(made, calendar, [made.resourceKey], {
    supported_scopes: ['events.read', 'events.write'],
    operations: { send: 'Send an invitation' },
    constraints_supported: ['until', 'calls', 'approval'],
    revocation_endpoint: `${calendar}/aauth/revoked-grants`,
  })
  const [phone, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
  const yes = async (limits: Record<string, string> = {}) => {
    const request_token = await requestTokenOf(await askUser(made, phone, { scope }))
    const page = await (await open(ada, linkOf(request_token))).text()
    const scopes = { 'scope:events.read': 'on', 'scope:events.write': 'on' }
    const said = await ada.post('/agent/consent', { ...hiddenFields(page), decision: 'allow', ...scopes, ...limits })
    const code = answerOf(said).searchParams.get('code') ?? ''
    const tokens = await granted(await redeemCode(made, phone, { code, request_token, redirect_uri: callback }))
    const refresh = () => send(made, phone, { request_type: 'refresh', refresh_token: tokens.refresh_token })
    return { claims: part(tokens.auth_token, 1), refresh }
  }
  const post = async (path: string, fields: Record<string, string>, from = '/account') =>
    ada.post(path, { ...hiddenFields(await (await ada.get(from)).text()), ...fields })
  const changes: Readonly<Record<string, () => Promise<unknown>>> = {
    'limits that are added': () => post('/account/limits', { calls: '9' }, link),
    'a scope that is taken back': () =>
      post('/account/take-back', { agent, delegate: 'phone', resource: calendar, scope: 'events.write', what: '' }),
    async 'a rest that ends'() {
      await turnOn(ada)
      const sub = String((await ada.get('/account/export').then(bodyOf))['sub'])
      await askInInbox(made, phone, { sub, operation: { name: 'send', digest: digests[0] } })
      await answerInbox(ada, (await questionsIn(ada))[0] ?? '', 'stop')
      await post('/account/approvals/allow', { agent, resource: calendar }, '/account/approvals')
    },
  }
  return { made, phone, ada, yes, change: (name: string) => changes[name]?.() }
}

const ways = ['limits that are added', 'a scope that is taken back', 'a rest that ends'] as const

test.each(ways)(
  verifies(
    'DEL-33',
    'policy.calls',
    'what its user allowed for one call ends with %s; what goes on beside it does not',
  ),
  async way => {
    const { yes, change } = await place()
    const [single, other] = [await yes({ duration: 'once' }), await yes()]
    expect(single.claims['constraints']).toEqual(once)
    expect((await single.refresh()).status).toBe(200)
    await change(way)
    expect(await refusalOf(await single.refresh())).toEqual(ended)
    const next = part((await bodyOf(await other.refresh()))['auth_token'], 1)
    expect(next['grant']).not.toBe(other.claims['grant'])
  },
)

test.each(ways)(
  verifies('DEL-39', 'policy.calls', 'where the operator counts so, a grant ends with %s, and its user is asked anew'),
  async way => {
    const { made, phone, ada, yes, change } = await place(once)
    const { refresh } = await yes()
    expect((await refresh()).status).toBe(200)
    await change(way)
    expect(await refusalOf(await refresh())).toEqual(ended)
    const again = await open(ada, linkOf(await requestTokenOf(await askUser(made, phone, { scope }))))
    expect(again.status).toBe(200)
  },
)

test('the pages add no limits to a single call, and say that it ends where they are added to more', async () => {
  const { ada, yes } = await place()
  const { refresh } = await yes({ duration: 'once' })
  expect(await (await ada.get('/account')).text()).not.toContain('/account/limits')
  const alone = await (await ada.get(link)).text()
  expect(textOf(alone)).toContain('You have allowed a fixed number of calls here. No limits can be added to that')
  expect(alone).not.toContain('name="duration"')
  await yes()
  expect(await (await ada.get('/account')).text()).toContain('/account/limits')
  expect(textOf(await (await ada.get(link)).text())).toContain('for a fixed number of calls ends when you add limits')
  expect((await refresh()).status).toBe(200)
})

test('a form that adds limits to a single call changes nothing', async () => {
  const { ada, yes } = await place()
  const { refresh } = await yes({ duration: 'once' })
  const { csrf = '' } = hiddenFields(await (await ada.get('/account')).text())
  const fields = { csrf, agent, delegate: 'phone', resource: calendar, calls: '9' }
  expect((await ada.post('/account/limits', fields)).status).toBe(200)
  expect((await refresh()).status).toBe(200)
})

test(
  verifies('DEL-33', 'policy.calls', 'a consent from memory gives another grant, and the same caller to count'),
  async () => {
    const { made, phone, ada, yes } = await place()
    const { claims } = await yes({ calls: '3' })
    const request_token = await requestTokenOf(await askUser(made, phone, { scope }))
    const code = answerOf(await open(ada, linkOf(request_token))).searchParams.get('code') ?? ''
    const tokens = await granted(await redeemCode(made, phone, { code, request_token, redirect_uri: callback }))
    const again = part(tokens.auth_token, 1)
    expect(again['grant']).not.toBe(claims['grant'])
    const { iss, sub, agent_delegate, constraints } = claims
    expect(again).toMatchObject({ iss, sub, agent, agent_delegate, constraints })
    expect(again).not.toHaveProperty('act')
  },
)
