import type { StoredRequest } from '@countersign/auth-server/internal'
import { createDiscovery } from '@countersign/discovery'
import { verifies } from '@countersign/requirements'
import { makeWeb } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'
import { type ConsentFrame, consentView } from './consent-view.js'

const row: StoredRequest = {
  kind: 'access',
  way: 'browser',
  request_hash: 'h',
  id: 'r1',
  agent: 'https://agent.example',
  agent_delegate: 'phone',
  resource: 'https://calendar.example',
  scope: 'events.read openid email events.write events.delete',
  purpose: '<b>Sync</b>',
  txn: null,
  redirect_uri: 'https://app.example/callback',
  state: null,
  login_hint: null,
  peer: '192.0.2.7',
  created: 1,
  expires: 601,
  browser: 'b',
  status: 'pending',
  user_sub: null,
  granted_scope: null,
  claims: null,
  code_secret: null,
  site: null,
  words: null,
  conditions: null,
  purposes: null,
  delegation: null,
}
const frame: ConsentFrame = {
  csrf: 'csrf',
  action: '/agent/consent',
  hidden: { request_token: 't' },
  returnTo: '/agent/consent?request_token=t',
  user: { sub: 'ada', claims: { name: 'Ada' } },
  held: ['events.write'],
  way: { type: 'web', redirect_uri: 'https://app.example/callback' },
}
const asking = { policy: () => 'consent' as const, defaults: {} }
const agent = {
  issuer: 'https://agent.example',
  agent: 'https://agent.example',
  jwks_uri: 'https://agent.example/jwks.json',
  name: 'Google',
  logo_uri: 'https://agent.example/logo',
  policy_uri: 'https://agent.example/policy',
}
const resource = {
  issuer: 'https://calendar.example',
  resource: 'https://calendar.example',
  jwks_uri: 'https://calendar.example/jwks.json',
  supported_scopes: ['events.read', 'events.write'],
  grave_scopes: ['events.write', 'events.none'],
  scope_descriptions: { 'events.read': 'See your events', 'events.delete': 'Harmless', email: 'Harmless' },
}

const logos = {
  find: async (logoUri: string | undefined) => (logoUri === undefined ? undefined : `data:image/png;base64,${logoUri}`),
}

function discovery(documents: Record<string, object>, answer: 'at once' | 'never' = 'at once') {
  const { fetcher, hanging } = makeWeb(new Map(Object.entries(documents)))
  if (answer === 'never') for (const url of Object.keys(documents)) hanging.add(new URL(url).origin)
  return createDiscovery({ fetcher })
}

test(
  verifies(
    'UIX-11',
    'consent.grave',
    'scopes are described by their own resource, and what it does not list is marked and not described',
  ),
  async () => {
    const documents = {
      'https://agent.example/.well-known/aauth-agent': agent,
      'https://calendar.example/.well-known/aauth-resource': resource,
    }
    expect(
      await consentView(row, frame, {
        discovery: discovery(documents),
        logos,
        issuer: { issuer: 'https://auth.example' },
        ...asking,
      }),
    ).toEqual({
      csrf: 'csrf',
      action: '/agent/consent',
      hidden: { request_token: 't' },
      returnTo: '/agent/consent?request_token=t',
      user: { sub: 'ada', claims: { name: 'Ada' } },
      way: { type: 'web', redirect_uri: 'https://app.example/callback' },
      agent: {
        id: 'https://agent.example',
        name: 'Google',
        policy_uri: 'https://agent.example/policy',
        logo: 'data:image/png;base64,https://agent.example/logo',
      },
      delegate: 'phone',
      resource: 'https://calendar.example',
      scopes: [
        { name: 'events.read', description: 'See your events' },
        { name: 'events.write', held: true, optional: false, grave: true },
        { name: 'events.delete', known: false },
      ],
      identity: [{ name: 'openid', optional: false }, { name: 'email' }],
      purpose: '<b>Sync</b>',
    })
  },
)

const bare = {
  agent: { id: 'https://agent.example' },
  scopes: [
    { name: 'events.read', grave: 'unknown' },
    { name: 'events.write', held: true, optional: false, grave: 'unknown' },
    { name: 'events.delete', grave: 'unknown' },
  ],
}

test('without metadata the page shows what is verified', async () => {
  expect(
    await consentView(row, frame, {
      discovery: discovery({}),
      logos,
      issuer: { issuer: 'https://auth.example' },
      ...asking,
    }),
  ).toMatchObject(bare)
})

test(verifies('F-56', 'hosts that never answer delay the page less than 2 seconds'), async () => {
  const begun = performance.now()
  expect(
    await consentView(row, frame, {
      discovery: discovery({}, 'never'),
      logos,
      issuer: { issuer: 'https://auth.example' },
      ...asking,
    }),
  ).toMatchObject(bare)
  expect(performance.now() - begun).toBeLessThan(2000)
})
