import type { ShownNotice } from '@countersign/auth-server/internal'
import { AAuthError } from '@countersign/protocol'
import { ordinary } from '@countersign/testing/auth/consent-page'
import { accountPage } from './account-page.js'
import type { AccountView } from './account-view.js'
import { consentPage } from './consent-page.js'
import type { ConsentView } from './consent-view.js'
import { deviceDonePage, devicePage } from './device-page.js'
import { errorPage } from './error-page.js'
import { everyAccountPage } from './every-account-page.test.fixture.js'
import type { LimitsView } from './limits-view.js'
import { linkPage } from './link-page.js'
import type { Look } from './look.js'
import { type NarrowView, narrowPage } from './narrow-page.js'
import { signInPage } from './sign-in-page.js'
import { signedOutPage, signOutPage } from './sign-out-page.js'

const { csrf, user } = ordinary
const asked = 1_767_225_600

const accountView: AccountView = {
  csrf,
  user,
  access: [[], ['https://travel.example', 'https://agent.example'], undefined].map(through => ({
    agent: 'https://assistant.example',
    delegate: through ? '' : 'phone',
    rests: through === undefined,
    resource: 'https://calendar.example',
    scope: ['events.read', 'openid', 'profile'],
    words: { 'events.read': 'See your events' },
    wordsNow: { 'events.read': 'Change your events' },
    grave: ['events.read'],
    since: asked,
    lastUsed: asked,
    until: asked,
    through,
    purposes: ['support'],
    conditions: [{ type: 'calls', max: 10, per: 'day' }],
    terms: { purposes: { support: 'Answer your guests' } },
  })),
  notices: ['told', 'no_endpoint', 'open'].flatMap(outcome => [
    noticeOf(outcome, asked),
    noticeOf(outcome, asked + 900),
    { ...noticeOf(outcome, asked), status: 404 },
    { ...noticeOf(outcome, asked + 900), status: 404 },
  ]),
  waiting: 0,
  narrowed: true,
  page: 2,
  pages: 3,
  done: 1,
  now: asked + 900,
  tokenLife: 600,
}

function noticeOf(outcome: string, created: number): ShownNotice {
  return {
    agent: 'https://assistant.example',
    resource: 'https://calendar.example',
    outcome,
    created,
    ended: null,
    status: null,
  }
}

const identity = [{ name: 'email' }, { name: 'address' }, { name: 'phone' }, { name: 'profile' }]
const nameless = { sub: 'u1', claims: {} }

const limits: LimitsView = {
  offered: {
    durations: ['once', 'day', 'month', 'open'],
    zones: ['Europe/Paris', 'UTC'],
    calls: true,
    views: [{ name: 'busy', description: 'See only when you are busy', fields: ['/items/*/start'] }],
    operations: [{ name: 'send', description: 'Send an invitation' }],
  },
  given: [
    { by: 'operator', conditions: [{ type: 'chain', max: 0 }] },
    { by: 'agent', conditions: [{ type: 'calls', max: 10, per: 'day' }] },
    { by: 'before', conditions: [{ type: 'until', time: 1_767_225_600 }] },
    { by: 'upstream', conditions: [{ type: 'scopes', any: ['events.read'] }] },
  ],
  chosen: {
    duration: 'month',
    days: [1, 5],
    from: '09:00',
    to: '18:00',
    zone: 'Europe/Paris',
    calls: '20',
    view: '',
    ask: [],
  },
  words: {},
}

const narrowView: NarrowView = {
  csrf,
  user,
  limits: { ...limits, counted: 'none' },
  here: '/account/limits',
  what: { agent: 'https://assistant.example', delegate: 'phone', resource: 'https://calendar.example' },
}
const unlimited = { ...limits, offered: { durations: [], zones: [], calls: false, views: [], operations: [] } }

const consents: Readonly<Record<string, Partial<ConsentView>>> = {
  ordinary: {},
  signIn: { resource: ordinary.agent.id, scopes: [], user: nameless, identity },
  loopback: { way: { type: 'loopback', redirect_uri: 'http://127.0.0.1:4000/cb' }, delegate: '\u202e' },
  device: { way: { type: 'device', peer: '198.51.100.23', asked, now: asked }, identity },
  deviceAMinute: { way: { type: 'device', asked, now: asked + 60 } },
  deviceMinutes: { way: { type: 'device', asked, now: asked + 600 } },
  limits: { limits, purposes: ['Answer your guests'] },
  unfit: { limits: { ...limits, given: [] }, problem: 'limits-unfit' },
  nothing: { problem: 'nothing-chosen' },
  changed: { problem: 'words-changed' },
  scopes: { scopes: [{ name: 'a.b' }, { name: 'c.d', known: false }, { name: 'e.f', held: true, optional: false }] },
  grave: {
    scopes: [
      { name: 'events.read', description: 'See your events' },
      { name: 'events.write', description: 'Change your events', agreed: 'See your events', grave: true },
      { name: 'a.b', grave: 'unknown' },
    ],
  },
  exchange: {
    scopes: [{ name: 'events.read', description: 'See your events', optional: false, grave: true }],
    exchange: {
      issuer: 'https://auth.example',
      chain: [
        { iss: 'https://auth-two.example', agent: 'https://travel.example' },
        { iss: 'https://auth-one.example', agent: 'https://agent.example', delegate: 'phone' },
      ],
    },
  },
}

/** Each page in each of its states, by a name for tests. */
export const everyPage: Readonly<Record<string, (look: Look) => string>> = {
  ...Object.fromEntries(
    Object.entries(consents).map(([name, change]) => [
      `consent ${name}`,
      (look: Look) => consentPage({ ...ordinary, ...change }, look),
    ]),
  ),
  ...Object.fromEntries(
    [
      { agent: 'https://assistant.example', resource: 'https://calendar.example' },
      { agent: 'https://assistant.example', resource: 'https://assistant.example' },
      'device' as const,
    ].map((cause, index) => [
      `sign-in ${index}`,
      (look: Look) =>
        signInPage(
          {
            host: 'auth.example',
            csrf,
            cause,
            returnTo: '/account',
            here: '/login?return_to=%2Faccount',
            providers: [{ name: 'Example', href: '/login/start/example' }],
            demoUsers: [{ subject: 'ada', name: 'Ada Lovelace', email: 'ada@demo.example' }],
            passkey: { options: {}, isOpen: true },
          },
          look,
        ),
    ]),
  ),
  'limits of an access': look => narrowPage(narrowView, look),
  'limits that do not fit': look => narrowPage({ ...narrowView, problem: 'limits-unfit' }, look),
  'limits beside counted calls': look => narrowPage({ ...narrowView, limits: { ...limits, counted: 'some' } }, look),
  'no limits offered': look => narrowPage({ ...narrowView, limits: { ...unlimited, counted: 'none' } }, look),
  'no limits for counted calls': look => narrowPage({ ...narrowView, limits: { ...unlimited, counted: 'all' } }, look),
  'sign-out': look => signOutPage({ csrf, user }, look),
  'signed out': look => signedOutPage(look),
  device: look => devicePage({ csrf, action: '/device', user }, look),
  'wrong code': look => devicePage({ csrf, action: '/device', user, problem: 'unknown-code' }, look),
  'device allowed': look => deviceDonePage({ allowed: true }, look),
  'device refused': look => deviceDonePage({ allowed: false }, look),
  link: look =>
    linkPage(
      {
        csrf,
        user,
        action: '/agent/link',
        hidden: {},
        returnTo: '/agent/consent',
        issuer: 'https://auth.example',
        upstream: { iss: 'https://one.example', sub: 's1' },
      },
      look,
    ),
  ...everyAccountPage,
  account: look => accountPage(accountView, look),
  'account, taken back long ago': look => accountPage({ ...accountView, notices: [noticeOf('open', asked)] }, look),
  'account without access': look => accountPage({ ...accountView, access: [], done: 0 }, look),
  ...Object.fromEntries(
    (
      [
        'access_denied',
        'expired_token',
        'rate_limited',
        'temporarily_unavailable',
        'invalid_request',
        'policy_denied',
      ] as const
    ).map(code => [
      `error ${code}`,
      (look: Look) => {
        const { reason, description } = new AAuthError(code, 'In English.', { reason: 'link_invalid' })
        return errorPage({ code, reason, description, retry: '/login' }, look)
      },
    ]),
  ),
}
