import type { Addresses } from '../clients/world.js'

// The configuration of the servers, as an operator would write it.

/**
 * Names of the users who sign in at the auth server: enough for an hour, since each approves at most 50 calls a day and is shown at most
 * 20 open requests of an agent in ten minutes, and each fault leaves some open.
 */
export const users: readonly string[] = Array.from(
  { length: 320 },
  (_, index) => `User ${String(index + 1).padStart(3, '0')}`,
)

/** Promises of the resource, in requests a minute. */
export const perMinute: { readonly metered: number; readonly limited: number } = { metered: 5, limited: 6 }

/** What stands in the files of the rig. */
export interface Places {
  readonly addresses: Omit<Addresses, 'instances'>
  /** Where the keys that instances share are. */
  readonly keys: (name: string) => string
  readonly auditKey: string
}

const common = { rotateKeysEvery: 'never', trustedProxies: 0 }

/** The auth server, which has policies, users, devices and exchanges. */
export function authSettings(
  { addresses, keys, auditKey }: Places,
  o: { readonly database: string; readonly replay: string },
): object {
  const { auth, agents, gateway, partner, middles } = addresses
  const [first, second] = middles.map(({ id }) => id) as [string, string]
  const direct = { agent: agents, delegates: 'any', resource: gateway }
  return {
    ...common,
    ...o,
    id: auth,
    keys: keys('auth'),
    auditKey,
    deviceFlow: 'any',
    pagesPerMinute: 100_000,
    grants: [
      { ...direct, scopes: ['events.read'] },
      { ...direct, scopes: ['metered.use'], conditions: [{ type: 'calls', max: perMinute.metered, per: 'minute' }] },
    ],
    ask: [{ agents: [agents], resources: [gateway], scopes: ['notes.write', 'diary.read', 'mail.send'] }],
    demoUsers: users.map(name => ({ name })),
    exchange: {
      rules: [
        {
          upstream: partner,
          middle: first,
          downstream: second,
          upstreamScopes: ['first.read'],
          scopes: ['second.read'],
          decision: 'direct',
        },
        {
          upstream: auth,
          middle: second,
          downstream: gateway,
          upstreamScopes: ['second.read'],
          scopes: ['rooms.book'],
          decision: 'direct',
        },
      ],
    },
  }
}

/** The auth server of another domain: one instance, on SQLite. */
export function partnerSettings({ addresses, keys }: Places): object {
  const { agents, middles, partner } = addresses
  const grant = { agent: agents, delegates: 'any', resource: middles[0].id, scopes: ['first.read'] }
  return { ...common, id: partner, keys: keys('partner'), grants: [grant] }
}

/** The agent server, at which delegates enrol by tokens of the platform that they run on. */
export function agentSettings(
  { addresses, keys }: Places,
  o: { readonly database: string; readonly replay: string },
): object {
  const { agents, workloads, callback } = addresses
  return {
    ...common,
    ...o,
    id: agents,
    keys: keys('agents'),
    name: 'Chaos agent',
    redirectUris: [callback],
    oidc: [{ issuer: workloads.id, name: 'chaos', subjects: ['workload:chaos'], delegate: ['sub', 'run'] }],
  }
}

/** The gateway in front of the API. */
export function gatewaySettings(
  { addresses, keys }: Places,
  o: { readonly upstream: string; readonly redis: string },
): object {
  const { auth, gateway } = addresses
  return {
    id: gateway,
    keys: keys('gateway'),
    upstream: o.upstream,
    authServer: auth,
    trustedProxies: 0,
    replay: o.redis,
    counter: o.redis,
    revocations: o.redis,
    failureLimit: 'off',
    scopes: {
      'events.read': 'See events',
      'metered.use': 'Use what is metered',
      'notes.write': 'Write notes',
      'diary.read': 'Read the diary',
      'mail.send': 'Send mail',
      'rooms.book': 'Book rooms',
    },
    operations: { send: 'Send a message' },
    routes: [
      { path: '/events', scope: 'events.read' },
      { path: '/metered', scope: 'metered.use' },
      { path: '/notes', scope: 'notes.write' },
      { path: '/diary', scope: 'diary.read' },
      { path: '/rooms', scope: 'rooms.book' },
      { path: '/limited', level: 'identified', limits: { identified: `${perMinute.limited}/min` } },
      {
        path: '/mail',
        methods: ['GET', 'POST'],
        scope: 'mail.send',
        operation: 'send',
        approve: true,
        describe: 'Send a message to {body/to}',
        unshown: ['query/n'],
      },
    ],
  }
}
