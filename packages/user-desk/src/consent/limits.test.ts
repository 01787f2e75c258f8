import { askUsers } from '@countersign/auth-server'
import { verifies } from '@countersign/requirements'
import type { Browser } from '@countersign/testing/auth/browser'
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
import { delegate, granted, newYear, type Signer, send, type World } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { describe, expect, test } from 'vitest'

const calendar = 'https://calendar.example'
const day = 86_400

async function strict(
  o: Parameters<typeof consentWorld>[0] = {},
  members: Record<string, unknown> = {},
): Promise<World> {
  const made = await consentWorld(o)
  publishResource(made, calendar, [made.resourceKey], {
    supported_scopes: ['events.read', 'events.write'],
    constraints_supported: ['until', 'hours', 'calls', 'data', 'approval', 'purposes', 'chain', 'scopes'],
    purposes: { support: 'Answer your guests', marketing: 'Advertise' },
    operations: { send: 'Send an invitation' },
    data_views: { busy: { description: 'When you are busy', fields: ['/items/*/start'] } },
    ...members,
  })
  return made
}

interface Asking {
  readonly scope?: string
  readonly form?: Record<string, string>
  /** What the user fills in. */
  readonly limits?: Record<string, string>
}

const linkFor = async (made: World, signer: Signer, o: Asking) => {
  const request_token = await requestTokenOf(await askUser(made, signer, o))
  return { request_token, link: linkOf(request_token) }
}

/** Ada says yes under limits; resolves with where she is sent, or the page that asks again. */
async function say(one: Browser, { link, limits = {}, scope = 'events.read' }: Asking & { readonly link: string }) {
  const page = await (await open(one, link)).text()
  const scopes = Object.fromEntries(scope.split(' ').map(name => [`scope:${name}`, 'on']))
  return one.post('/agent/consent', { ...hiddenFields(page), decision: 'allow', ...scopes, ...limits })
}

async function yes(
  made: World,
  signer: Signer,
  one: Browser,
  o: Asking = {},
): Promise<{ claims: Record<string, unknown>; refresh_token: string }> {
  const { request_token, link } = await linkFor(made, signer, o)
  const code = answerOf(await say(one, { ...o, link })).searchParams.get('code') ?? ''
  const tokens = await granted(await redeemCode(made, signer, { code, request_token, redirect_uri: callback }))
  return { claims: part(tokens.auth_token, 1), refresh_token: tokens.refresh_token }
}

/** The answer from memory: no page. */
async function remembered(
  made: World,
  signer: Signer,
  one: Browser,
  o: Asking = {},
): Promise<Record<string, unknown> | 'page'> {
  const { request_token, link } = await linkFor(made, signer, o)
  const response = await open(one, link)
  if (response.status === 200) return 'page'
  const code = answerOf(response).searchParams.get('code') ?? ''
  return part(
    (await bodyOf(await redeemCode(made, signer, { code, request_token, redirect_uri: callback })))['auth_token'],
    1,
  )
}

describe('the limits of a consent page', () => {
  test(verifies('policy.narrow', 'become conditions of the token, at each refresh too'), async () => {
    const made = await strict()
    // A Monday, ten o'clock in Paris.
    made.clock.now = Date.UTC(2026, 0, 5, 9) / 1000
    const [signer, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
    const limits = {
      duration: 'month',
      'day:1': 'on',
      'day:5': 'on',
      from: '09:00',
      to: '18:00',
      zone: 'Europe/Paris',
      calls: '20',
      view: 'busy',
      'ask:send': 'on',
    }
    const constraints = [
      { type: 'until', time: made.clock.now + 30 * day },
      { type: 'hours', zone: 'Europe/Paris', days: [1, 5], from: '09:00', to: '18:00' },
      { type: 'calls', max: 20, per: 'day' },
      { type: 'data', resource: calendar, fields: ['/items/*/start'] },
      { type: 'approval', resource: calendar, of: ['send'] },
    ]
    const { claims, refresh_token } = await yes(made, signer, ada, { limits })
    expect(claims['constraints']).toEqual(constraints)
    const again = await bodyOf(await send(made, signer, { request_type: 'refresh', refresh_token }))
    expect(part(again['auth_token'], 1)['constraints']).toEqual(constraints)
    const events = made.events.filter(event => 'conditions' in event)
    expect(events.map(({ type }) => type)).toEqual(['consented', 'granted', 'refreshed'])
    expect(JSON.stringify(events)).not.toMatch(/Paris|busy|start/)
  })

  test('that are not chosen are none, and what the resource does not enforce is not offered', async () => {
    const made = await strict({}, { constraints_supported: ['until'] })
    const [signer, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
    const { link } = await linkFor(made, signer, {})
    const page = await (await open(ada, link)).text()
    expect([...page.matchAll(/name="duration" value="(\w+)"/g)].map(([, value]) => value)).toEqual([
      'day',
      'month',
      'open',
    ])
    expect(page).not.toMatch(/name="(?:calls|zone|view|ask:send|day:1)"/)
    // A form that says more than the page offered: ignored.
    const { claims } = await yes(made, signer, ada, { limits: { calls: '3', 'ask:send': 'on', view: 'busy' } })
    expect(claims).not.toHaveProperty('constraints')
  })

  test('that do not fit are asked for again, and nothing is allowed', async () => {
    const made = await strict()
    const [signer, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
    const { link } = await linkFor(made, signer, {})
    for (const limits of [
      { calls: '0' },
      { calls: '1.5' },
      { calls: '-1' },
      { from: '09:00' },
      { from: '9', to: '10' },
    ]) {
      const response = await say(ada, { link, limits })
      expect(response.status).toBe(200)
      expect(textOf(await response.text()), JSON.stringify(limits)).toContain('These limits do not fit together.')
    }
    expect((await say(ada, { link, limits: { calls: '1' } })).status).toBe(303)
  })

  test('that the operator suggests are in the form at first, and a user may take them away', async () => {
    const made = await strict({ consentDefaults: { duration: 'day', callsPerDay: 7, zone: 'Europe/Paris' } })
    const [signer, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
    const { link } = await linkFor(made, signer, {})
    const page = await (await open(ada, link)).text()
    expect(page).toMatch(/name="duration" value="day" checked/)
    expect(page).toContain('<option value="Europe/Paris" selected')
    expect(page).toMatch(/name="calls"[^>]*value="7"/)
    const { claims } = await yes(made, signer, ada, { limits: { duration: 'open', calls: '' } })
    expect(claims).not.toHaveProperty('constraints')
  })

  test('stand beside those of operator and delegate, which are shown in words', async () => {
    const made = await strict({
      policy: askUsers([{ agents: 'any', resources: 'any', conditions: [{ type: 'chain', max: 0 }] }]),
    })
    const delegation = [{ type: 'calls', max: 10, per: 'day' }]
    const signer = await delegate(made, 'phone', { claims: { delegation } })
    const ada = await browserOf(made, 'ada')
    const { link } = await linkFor(made, signer, {})
    const shown = textOf(await (await open(ada, link)).text())
    expect(shown).toContain('Not passed on to other services Set by the operator of this server.')
    expect(shown).toContain('At most 10 calls a day Set by the agent itself.')
    const { claims } = await yes(made, signer, ada, { limits: { duration: 'day' } })
    expect(claims['constraints']).toEqual([
      { type: 'chain', max: 0 },
      { type: 'until', time: newYear + day },
      { type: 'calls', max: 10, per: 'day' },
    ])
  })
})

describe('a remembered yes', () => {
  test(verifies('DEL-49', 'keeps its conditions, and a token that draws on two has those of both'), async () => {
    const made = await strict()
    const [signer, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
    const hours = { type: 'hours', zone: 'UTC', days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '23:00' }
    await yes(made, signer, ada, { limits: { from: '00:00', to: '23:00', zone: 'UTC' } })
    const second = await yes(made, signer, ada, { scope: 'events.write' })
    expect(second.claims).not.toHaveProperty('constraints')
    const both = await remembered(made, signer, ada, { scope: 'events.read events.write' })
    expect(both).toMatchObject({ scope: 'events.read events.write', constraints: [hours] })
    expect(await remembered(made, signer, ada, { scope: 'events.write' })).not.toHaveProperty('constraints')
  })

  test(verifies('DEL-18', 'for one purpose is none for another'), async () => {
    const made = await strict()
    const [signer, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
    const { claims } = await yes(made, signer, ada, { form: { purposes: 'support' } })
    expect(claims).toMatchObject({ purposes: 'support' })
    for (const form of [{ purposes: 'marketing' }, { purposes: 'support marketing' }, {}])
      expect(await remembered(made, signer, ada, { form }), JSON.stringify(form)).toBe('page')
    expect(await remembered(made, signer, ada, { form: { purposes: 'support' } })).toMatchObject({
      purposes: 'support',
    })
  })

  test('that has ended is asked for anew', async () => {
    const made = await strict()
    const [signer, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
    await yes(made, signer, ada, { limits: { duration: 'day' } })
    made.clock.now += day - 1
    const late = [await delegate(made, 'phone'), await browserOf(made, 'ada')] as const
    expect(await remembered(made, ...late)).toMatchObject({ exp: newYear + day })
    made.clock.now += 1
    expect(await remembered(made, ...late)).toBe('page')
  })

  test(verifies('DEL-39', 'is never that of a single call: it asks anew'), async () => {
    const made = await strict()
    const [signer, ada] = [await delegate(made, 'phone'), await browserOf(made, 'ada')]
    const { claims } = await yes(made, signer, ada, { limits: { duration: 'once' } })
    expect(claims['constraints']).toEqual([
      { type: 'calls', max: 1, per: 'grant' },
      { type: 'until', time: newYear + 3600 },
    ])
    expect(await remembered(made, signer, ada)).toBe('page')
    // Where the operator counts so, no yes is remembered either.
    const conditions = [
      { type: 'calls', max: 5, per: 'grant' } as const,
      { type: 'until', time: newYear + 60 } as const,
    ]
    const other = await strict({ policy: askUsers([{ agents: 'any', resources: 'any', conditions }]) })
    const [laptop, grace] = [await delegate(other, 'laptop'), await browserOf(other, 'grace')]
    await yes(other, laptop, grace)
    expect(await remembered(other, laptop, grace)).toBe('page')
  })
})

test('a delegation that the request does not fit asks no user', async () => {
  const made = await strict()
  const signer = await delegate(made, 'phone', { claims: { delegation: [{ type: 'scopes', any: ['events.read'] }] } })
  expect(await refusalOf(await askUser(made, signer, { scope: 'events.write' }))).toEqual(
    plain(403, 'access_denied', 'condition_scope'),
  )
  expect((await askUser(made, signer)).status).toBe(200)
})
