import { verifies } from '@countersign/requirements'
import { hostileTexts, ordinary, structureOf, textOf } from '@countersign/testing/auth/consent-page'
import { english } from '@countersign/testing/auth/look'
import { describe, expect, test } from 'vitest'
import { consentDecision } from './consent-decision.js'
import { consentPage } from './consent-page.js'
import type { ConsentView } from './consent-view.js'
import { deviceDonePage, devicePage } from './device-page.js'
import { noLimits } from './limits-view.js'
import { linkPage } from './link-page.js'
import { errorPageResponse, pageResponse } from './page-response.js'
import { wordsMark } from './shown-words.js'
import { signInPage } from './sign-in-page.js'

const page = (change: Partial<ConsentView> = {}): string => consentPage({ ...ordinary, ...change }, english)
const text = (change: Partial<ConsentView> = {}): string => textOf(page(change))

test(
  verifies('consent.page', 'UIX-10', 'verified hosts come first; name, delegate and purpose after, as claimed'),
  () => {
    const all = text()
    const order = [
      'Signed in as Ada Lovelace',
      'assistant.example asks for your access to calendar.example',
      '✓ Both addresses are checked: each has signed for itself. ' +
        'That shows who they are, not whether to trust them.',
      'What it says about itself (nobody has checked this)',
      'It calls itself Calendar Helper',
      'The part of it that gets access, such as one device phone',
      'Why it asks To find a free hour.',
      'What it could do at calendar.example See your events events.read Change your events events.write',
      'What it would learn about you • A made-up name that stands for you, to know you when you come back ' +
        'It goes along with whatever you allow.',
      'Your e-mail address: ada@demo.example',
      'Refuse Allow',
      'Either way you then go to assistant.example',
    ].map(part => all.replaceAll(/\s+/g, ' ').replaceAll(' . ', '. ').indexOf(part))
    expect(order).not.toContain(-1)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(/<h1[^>]*>(.*?)<\/h1>/s.exec(page())?.[1]).not.toContain('Calendar Helper')
    expect(/<title>(.*?)<\/title>/.exec(page())?.[1]).toBe('Allow assistant.example?')
  },
)

test(verifies('UIX-08', 'consent.page', "markup in a stranger's text is shown as text"), () => {
  const fields: Array<[string, (hostile: string) => Partial<ConsentView>]> = [
    ['name', hostile => ({ agent: { ...ordinary.agent, name: hostile } })],
    ['delegate', hostile => ({ delegate: hostile })],
    ['purpose', hostile => ({ purpose: hostile })],
    [
      'description',
      hostile => ({
        scopes: [
          { name: 'events.read', description: hostile },
          { name: 'x', description: 'y' },
        ],
      }),
    ],
    ['hidden', hostile => ({ hidden: { request_token: hostile } })],
    ['returnTo', hostile => ({ returnTo: hostile })],
    ['user', hostile => ({ user: { sub: 'u1', claims: { name: hostile, email: hostile } } })],
  ]
  const expected = structureOf(page())
  expect(expected.length).toBeGreaterThan(60)
  for (const [field, change] of fields) {
    for (const hostile of hostileTexts)
      expect(structureOf(page(change(hostile))), `${field}: ${hostile}`).toEqual(expected)
  }
  expect(text({ purpose: hostileTexts.at(-2) ?? '' })).toContain(`Why it asks ${hostileTexts.at(-2)}`)
  const named = [{ name: '"><script>alert(1)</script>' }, { name: 'y' }]
  expect(page({ scopes: named })).not.toContain('<script')
  expect(textOf(page({ scopes: named }))).toContain('"><script>alert(1)</script> calendar.example does not say')
})

test(verifies('UIX-08', 'links that are no web pages, and logos that are no data URLs, are left out'), () => {
  const links = (href: string, name: 'homepage' | 'policy_uri' | 'tos_uri'): number =>
    [...page({ agent: { id: ordinary.agent.id, [name]: href } }).matchAll(/<a (?!href="\/(?:account|language\?))/g)]
      .length
  for (const name of ['homepage', 'policy_uri', 'tos_uri'] as const)
    expect(links('https://assistant.example/', name)).toBe(1)
  for (const href of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///x',
    '//x',
  ])
    for (const name of ['homepage', 'policy_uri', 'tos_uri'] as const) expect(links(href, name), href).toBe(0)
  const pictures = (logo: string): number =>
    [...page({ agent: { id: ordinary.agent.id, logo } }).matchAll(/<img /g)].length
  expect(pictures('data:image/png;base64,AAAA')).toBe(1)
  expect(pictures('https://assistant.example/logo.png')).toBe(0)
  expect(pictures('data:text/html,x')).toBe(0)
})

test(verifies('UIX-10', 'a long name is cut, and one that looks like a host stands apart as a claim'), () => {
  const all = text({ agent: { id: 'https://evil.example', name: 'G'.repeat(10_000) } })
  expect(all).toContain(`It calls itself ${'G'.repeat(59)}…`)
  expect(all).not.toContain('G'.repeat(60))
  expect(text({ agent: { id: 'https://evil.example', name: 'google.com' } })).toMatch(
    /evil\.example asks for .*It calls itself google\.com/,
  )
  const cyrillic = text({ agent: { id: 'https://xn--80ak6aa92e.example' } })
  expect(cyrillic).toContain('xn--80ak6aa92e.example asks for')
  const german = text({ agent: { id: 'https://xn--mnchen-3ya.example' } })
  expect(german).toContain('münchen.example xn--mnchen-3ya.example asks for')
})

test(verifies('UIX-11', 'consent.page', 'a scope without words, or that the resource does not list, is marked'), () => {
  const all = text({
    scopes: [
      { name: 'events.list' },
      { name: 'admin', known: false, description: 'Nothing much' },
      { name: 'constructor' },
    ],
  })
  expect(all).toContain('events.list calendar.example does not say what this means.')
  expect(all).toContain('admin Unknown: calendar.example does not list this.')
  expect(all).toContain('constructor calendar.example does not say what this means.')
  expect(all).not.toContain('Nothing much')
})

test(
  verifies('consent.page', 'the page says when the answer goes to a program or a device, and where one asked from'),
  () => {
    expect(text()).not.toContain('Take care')
    const loopback = text({ way: { type: 'loopback', redirect_uri: 'http://127.0.0.1:4000/cb' } })
    expect(loopback).toContain('Take care: the access goes to a program on this computer.')
    const device = text({ way: { type: 'device', peer: '198.51.100.23', asked: 1_767_225_600, now: 1_767_225_800 } })
    expect(device).toContain('Take care: the access goes to another device.')
    expect(device).toContain('3 minutes ago, on 1 January 2026 at 00:00 (UTC), from the network address 198.51.100.23')
    const elsewhere = text({ way: { type: 'web', redirect_uri: 'https://other.example/cb?a=b' } })
    expect(elsewhere).toContain('Either way you then go to other.example')
  },
)

test(verifies('consent.page', 'a sign-in names one host, and an exchange the whole chain, its beginning first'), () => {
  const signIn = text({ resource: 'https://assistant.example', scopes: [] })
  expect(signIn).toContain('assistant.example wants to know who you are')
  expect(signIn).toContain(
    'This address is checked: it has signed for itself. That shows who it is, not whether to trust it.',
  )
  expect(signIn).not.toContain('Who asks whom')
  const chain = [
    { iss: 'https://auth-two.example', agent: 'https://travel.example' },
    { iss: 'https://auth-one.example', agent: 'https://agent.example', delegate: 'phone <b>' },
  ]
  expect(text({ delegate: 'd', exchange: { issuer: 'https://auth.example', chain } })).toContain(
    'Who asks whom agent.example began it; the part of it that it calls “ phone <b> ” ' +
      'travel.example was asked by the one above, as auth-one.example allowed ' +
      'assistant.example was asked by the one above, as auth-two.example allowed, and now asks you ' +
      'calendar.example is asked next, if you allow it here at auth.example',
  )
})

test(verifies('consent.page', 'the user’s sub has no checkbox, and is mentioned where it was not asked for'), () => {
  const boxes = [...page().matchAll(/type="checkbox" name="([^"]+)"/g)].map(([, name]) => name)
  expect(boxes).toEqual(['scope:events.read', 'scope:events.write', 'scope:email'])
  const listed =
    'A made-up name that stands for you, to know you when you come back It goes along with whatever you allow.'
  const told = 'Whatever you allow, a made-up name that stands for you goes along, to know you when you come back.'
  expect([text().includes(listed), text().includes(told)]).toEqual([true, false])
  for (const identity of [[], [{ name: 'email' }]])
    expect([text({ identity }).includes(listed), text({ identity }).includes(told)]).toEqual([false, true])
})

test('scopes that were allowed before, or cannot be left out, have no checkbox', () => {
  const scopes = [
    { name: 'old', description: 'Old', held: true, optional: false },
    { name: 'must', description: 'Must', optional: false },
    { name: 'new', description: 'New' },
  ]
  const html = page({ scopes, identity: [] })
  expect([...html.matchAll(/type="checkbox" name="([^"]+)"/g)].map(([, name]) => name)).toEqual(['scope:new'])
  const shown = { resource: ordinary.resource, scopes, identity: [{ name: 'openid' }] }
  const words = /name="words" value="([^"]+)"/.exec(html)?.[1] ?? ''
  const decide = (fields: Record<string, string>) => consentDecision(new Map(Object.entries(fields)), shown, 0)
  expect(decide({ decision: 'allow', words, 'scope:new': 'on', 'scope:openid': 'on' })).toEqual({
    allow: true,
    scope: ['old', 'must', 'new', 'openid'],
    words: { old: 'Old', must: 'Must', new: 'New' },
    grave: [],
    conditions: [],
  })
  expect(decide({ decision: 'allow', words, 'scope:admin': 'on' })).toEqual({
    allow: true,
    scope: ['old', 'must'],
    words: { old: 'Old', must: 'Must' },
    grave: [],
    conditions: [],
  })
  expect(decide({ decision: 'allow', 'scope:new': 'on' })).toMatchObject({ problem: 'words-changed' })
  expect(decide({ decision: 'deny', 'scope:new': 'on' })).toEqual({
    allow: false,
    scope: [],
    words: {},
    grave: [],
    conditions: [],
  })
  expect(() => decide({ decision: 'Allow' })).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  expect(() => decide({})).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})

describe('a grave scope', () => {
  const grave = { name: 'money.send', description: 'Send money', grave: true as const }
  const chosen = (html: string): string[] =>
    [...html.matchAll(/name="scope:([^"]+)" value="on" checked/g)].map(([, name = '']) => name)

  test(verifies('consent.grave', 'is marked, and not chosen before the user does'), () => {
    const html = page({ scopes: [{ name: 'events.read', description: 'See your events' }, grave] })
    expect(chosen(html)).toEqual(['events.read', 'email'])
    expect(textOf(html)).toContain(
      'Send money money.send Far-reaching: allow this only if you are sure that you want it.',
    )
    expect(html.match(/<li class="care"/g)).toHaveLength(1)
  })

  test(verifies('consent.grave', 'is marked where it cannot be left out, or was allowed before'), () => {
    for (const more of [{ optional: false }, { held: true, optional: false }])
      expect(text({ scopes: [{ ...grave, ...more }] })).toContain('Send money money.send Far-reaching:')
  })

  test(
    verifies('consent.grave', 'may be any scope of a resource whose metadata are not at hand: none is chosen'),
    () => {
      const html = page({ scopes: [{ name: 'money.send', grave: 'unknown' }] })
      expect(chosen(html)).toEqual(['email'])
      expect(textOf(html)).not.toContain('Far-reaching')
    },
  )

  test(verifies('consent.grave', 'is named by the decision; one that became grave meanwhile is shown again'), () => {
    const { resource } = ordinary
    const before = { resource, scopes: [{ name: 'money.send', description: 'Send money' }], identity: [] }
    const now = { resource, scopes: [grave, { name: 'x', grave: 'unknown' as const }], identity: [] }
    const form = (shown: typeof before | typeof now, fields: Record<string, string> = {}) =>
      new Map(Object.entries({ decision: 'allow', words: wordsMark(shown), 'scope:money.send': 'on', ...fields }))
    expect(consentDecision(form(before), before, 0)).toMatchObject({ grave: [], problem: undefined })
    expect(consentDecision(form(before), now, 0)).toMatchObject({ problem: 'words-changed' })
    expect(consentDecision(form(now), now, 0)).toMatchObject({ grave: ['money.send'], problem: undefined })
    expect(consentDecision(form(now, { 'scope:x': 'on' }), now, 0)).toMatchObject({ grave: ['money.send', 'x'] })
  })
})

test(
  verifies('policy.narrow', 'limits that a user chose are not lost where the page would not offer them a second time'),
  () => {
    // Metadata that did not arrive in time: nothing is offered.
    const now = { resource: ordinary.resource, scopes: [{ name: 'events.read' }], identity: [], limits: undefined }
    const offered = { durations: [], zones: [], calls: true, views: [], operations: [] }
    for (const more of [{}, { durations: ['day', 'open'] as const, calls: false }, { zones: ['UTC'], calls: false }]) {
      const limits = { offered: { ...offered, ...more }, given: [], chosen: noLimits('UTC'), words: {} }
      const before = { ...now, limits }
      const fields = { decision: 'allow', words: wordsMark(before), 'scope:events.read': 'on', calls: '5' }
      const form = new Map(Object.entries(fields))
      expect(consentDecision(form, before, 0).problem).toBeUndefined()
      expect(consentDecision(form, now, 0).problem).toBe('words-changed')
    }
  },
)

test(verifies('consent.page', 'the pages say how long access lasts, and where the user takes it back'), () => {
  const lasts = 'lasts until you take it back at auth.example/account , or until it is unused for 90 days.'
  expect(text()).toContain(`What you allow ${lasts}`)
  expect(textOf(deviceDonePage({ allowed: true }, english))).toContain(lasts)
  expect(textOf(deviceDonePage({ allowed: false }, english))).not.toContain(lasts)
})

test(verifies('UIX-08', 'the other pages keep markup inert, too'), async () => {
  for (const hostile of hostileTexts) {
    const signIn = (value: string): string =>
      signInPage(
        {
          host: 'auth.example',
          csrf: value,
          returnTo: value,
          here: value,
          providers: [{ name: value, href: '/login/start/a?return_to=%2F' }],
          demoUsers: [{ subject: value, name: value, email: value }],
        },
        english,
      )
    expect(structureOf(signIn(hostile)), hostile).toEqual(structureOf(signIn('x')))
    const device = (value: string): string =>
      devicePage({ csrf: value, action: '/device', user: { sub: value, claims: {} }, problem: 'unknown-code' }, english)
    expect(structureOf(device(hostile)), hostile).toEqual(structureOf(device('x')))
    const link = (value: string): string =>
      linkPage(
        {
          csrf: value,
          action: '/agent/link',
          hidden: { request_token: value },
          returnTo: value,
          user: { sub: value, claims: { name: value } },
          issuer: 'https://auth.example',
          upstream: { iss: 'https://one.example', sub: value },
        },
        english,
      )
    expect(structureOf(link(hostile)), hostile).toEqual(structureOf(link('x')))
    const chain = (value: string): string =>
      page({
        exchange: {
          issuer: 'https://auth.example',
          chain: [{ iss: 'https://one.example', agent: 'https://agent.example', delegate: value }],
        },
      })
    expect(structureOf(chain(hostile)), hostile).toEqual(structureOf(chain('x')))
  }
})

test(verifies('UIX-07', 'consent.browser', 'only forms that answer an agent may lead to other origins'), () => {
  const formAction = (leadsTo?: string): string | undefined =>
    /form-action ([^;]+)/.exec(
      pageResponse('', { look: english, leadsTo }).headers.get('content-security-policy') ?? '',
    )?.[1]
  expect(formAction()).toBe("'self'")
  expect(formAction('https://agent.example/cb')).toBe("'self' https:")
  expect(formAction('http://127.0.0.1:4000/cb')).toBe("'self' https: http://localhost:* http://127.0.0.1:*")
  expect(formAction('http://[::1]:4000/cb')).toBe("'self' https: http:")
})

test('an error page keeps its status, except 401', async () => {
  const { AAuthError } = await import('@countersign/protocol')
  const limited = errorPageResponse(
    new AAuthError('rate_limited', 'Wait a minute.', { reason: 'rate_exceeded', retryAfter: 60 }),
    { look: english },
  )
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60'])
  expect(await limited.text()).toContain('Wait a minute.')
  expect(
    errorPageResponse(new AAuthError('invalid_signature', 'x', { reason: 'signature_wrong' }), { look: english })
      .status,
  ).toBe(400)
})
