import { verifies } from '@countersign/requirements'
import type { Browser } from '@countersign/testing/auth/browser'
import {
  allowedCode,
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
import { delegate, granted, newYear, type Signer, send, type World } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { databasesForTests } from '@countersign/testing/databases'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

const databases = await databasesForTests(1)
const calendar = 'https://calendar.example'
const link = `/account/limits?${new URLSearchParams({ agent: 'https://agent.example', delegate: 'phone', resource: calendar })}`

async function place(database = 'sqlite::memory:') {
  const told: string[] = []
  const made = await consentWorld({
    database,
    fetch: async input => {
      told.push(String(input))
      return new Response(null, { status: 204 })
    },
  })
  publishResource(made, calendar, [made.resourceKey], {
    supported_scopes: ['events.read'],
    constraints_supported: ['until', 'calls'],
    revocation_endpoint: `${calendar}/aauth/revoked-grants`,
  })
  const [phone, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
  const { refresh_token, auth_token } = await granted(
    await redeemCode(made, phone, await allowedCode(made, phone, { one: ada })),
  )
  return { made, told, phone, ada, refresh_token, first: part(auth_token, 1) }
}

async function add(one: Browser, limits: Record<string, string>): Promise<Response> {
  const page = await (await one.get(link)).text()
  return one.post('/account/limits', { ...hiddenFields(page), ...limits })
}

async function refresh(made: World, signer: Signer, refresh_token: string): Promise<Record<string, unknown>> {
  return part((await bodyOf(await send(made, signer, { request_type: 'refresh', refresh_token })))['auth_token'], 1)
}

test.each(databases)(
  verifies(
    'policy.narrow',
    'revocation.written',
    'on $name limits that a user adds hold for what goes on, under a new grant$away',
  ),
  async ({ url, away }) => {
    if (away !== '') return
    const { made, told, phone, ada, refresh_token, first } = await place(url())
    expect(first).not.toHaveProperty('constraints')
    const answer = await add(ada, { duration: 'day', calls: '5' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/account?narrowed=1'])
    const constraints = [
      { type: 'until', time: newYear + 86_400 },
      { type: 'calls', max: 5, per: 'day' },
    ]
    const next = await refresh(made, phone, refresh_token)
    expect(next['constraints']).toEqual(constraints)
    expect(next['grant']).not.toBe(first['grant'])
    await expect.poll(() => told).toEqual([`${calendar}/aauth/revoked-grants`])
    // What is remembered is narrowed with it.
    const request_token = await requestTokenOf(await askUser(made, phone))
    const code = answerOf(await open(ada, linkOf(request_token))).searchParams.get('code') ?? ''
    const again = await bodyOf(await redeemCode(made, phone, { code, request_token, redirect_uri: callback }))
    expect(part(again['auth_token'], 1)).toMatchObject({ constraints })
    // Nothing takes one away again.
    await add(ada, { duration: 'month' })
    expect((await refresh(made, phone, refresh_token))['constraints']).toEqual(expect.arrayContaining(constraints))
    const event = made.events.find(({ type }) => type === 'narrowed')
    expect(event).toEqual({
      type: 'narrowed',
      user: expect.any(String),
      grants: 1,
      agent: 'https://agent.example',
      delegate: 'phone',
      resource: calendar,
      conditions: ['until', 'calls'],
    })
  },
)

test('the account page and the export of a user show the conditions', async () => {
  const { ada } = await place()
  await add(ada, { calls: '5' })
  const shown = textOf(await (await ada.get('/account?narrowed=1')).text())
  expect(shown).toContain('The limits are set.')
  expect(shown).toContain('At most 5 calls a day')
  const exported = JSON.parse(await (await ada.get('/account/export')).text())
  const conditions = [{ type: 'calls', max: 5, per: 'day' }]
  expect(exported.grants).toMatchObject([{ conditions }])
  expect(exported.remembered).toMatchObject([{ conditions }])
})

test(verifies('ACC-10', 'nobody limits what another user has allowed, nor what is not there'), async () => {
  const { made, phone, ada, refresh_token } = await place()
  const grace = await browserOf(made, 'grace')
  const own = hiddenFields(await (await ada.get(link)).text())
  const [theirs, nobodys] = [await grace.get(link), await ada.get(link.replace('phone', 'laptop'))]
  expect([theirs.status, nobodys.status]).toEqual([404, 404])
  expect((await grace.post('/account/limits', { ...own, calls: '1' })).status).toBe(403)
  expect(await refresh(made, phone, refresh_token)).not.toHaveProperty('constraints')
})

test('a form without limits, or with limits that do not fit, changes nothing', async () => {
  const { made, phone, ada, refresh_token, first } = await place()
  for (const limits of [{}, { duration: 'open' }, { calls: '0' }, { duration: 'once' }]) {
    const response = await add(ada, limits)
    expect(response.status, JSON.stringify(limits)).toBe(200)
    expect(textOf(await response.text())).toContain('These limits do not fit together.')
  }
  expect((await refresh(made, phone, refresh_token))['grant']).toBe(first['grant'])
})
