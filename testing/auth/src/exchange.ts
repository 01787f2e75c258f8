import type { ExchangeRule, Policy } from '@countersign/auth-server'
import { migrations, type Tables } from '@countersign/auth-server/internal'
import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { openStore } from '@countersign/store'
import { forgeToken } from '@countersign/testing/world/tokens'
import { publishAgent, publishIssuer as publishAuthServer, publishResource } from '@countersign/testing/world/web'
import { demoUsers } from '@countersign/user-desk'
import { type Signer, send, signerOf, type World, type WorldOptions, world } from './world.js'

// The story of the issue: an agent asks the calendar, whose auth server is `one`; the calendar asks rooms, whose is `auth`.

export const upstreamIssuer = 'https://one.example'
export const middleId = 'https://calendar.example'
export const downstreamId = 'https://rooms.example'
export const middleCallback = 'https://calendar.example/interact/callback'

export const rule: ExchangeRule = {
  upstream: upstreamIssuer,
  middle: middleId,
  downstream: downstreamId,
  upstreamScopes: ['events.write'],
  scopes: ['rooms.read'],
  decision: 'direct',
}
/** What needs the user. */
export const asking: ExchangeRule = { ...rule, scopes: ['rooms.book'], decision: 'consent' }

/** A world with an upstream issuer, a middle and a downstream resource. */
export interface ExchangeWorld extends World {
  readonly middle: Signer
  readonly middleKey: PublishedKey
  readonly upstreamKey: PublishedKey
  readonly roomsKey: PublishedKey
}

type Options = Omit<WorldOptions, 'policy' | 'now'> & {
  readonly policy?: Policy
  readonly rules?: readonly ExchangeRule[]
  readonly upstreamKey?: PublishedKey
}

export async function exchangeWorld(o: Options = {}): Promise<ExchangeWorld> {
  const { rules = [rule, asking], upstreamKey: given, ...options } = o
  const made = await world({
    policy: 'unset',
    login: [
      demoUsers([
        { name: 'Ada', subject: 'ada', email: 'ada@demo.example' },
        { name: 'Grace', subject: 'grace' },
      ]),
    ],
    development: true,
    exchange: { rules },
    ...options,
  })
  const [middleKey, upstreamKey, roomsKey] = [
    { kid: 'm1', key: await generateSigningKey() },
    given ?? { kid: 'u1', key: await generateSigningKey() },
    { kid: 'w1', key: await generateSigningKey() },
  ]
  const all = { ...made, middleKey, upstreamKey, roomsKey }
  publishMiddle(all, middleId, middleKey)
  publishResource(all, downstreamId, [roomsKey], { supported_scopes: ['rooms.read', 'rooms.book'] })
  publishIssuer(all, upstreamIssuer, [upstreamKey])
  return { ...all, middle: signerOf(middleId, middleKey) }
}

/** A resource that calls others: an agent, too, under the same identifier. */
export function publishMiddle(made: Pick<World, 'web'>, id: string, key: PublishedKey): void {
  publishAgent(made, id, [key], { redirect_uris: [`${id}/interact/callback`] })
}

/** An auth server with users. */
export function publishIssuer(made: Pick<World, 'web'>, id: string, keys: readonly PublishedKey[]): void {
  publishAuthServer(made, id, keys, { agent_auth_endpoint: `${id}/agent/authorize` })
}

/** Changes to a token; a claim that is undefined is left out, as JSON does. */
export interface TokenChange {
  readonly claims?: Record<string, unknown>
  readonly key?: PublishedKey
  readonly typ?: string
}

/** What the calendar was called with: Ada's agent, on its delegate `phone`, may write events. */
export function upstreamToken(made: ExchangeWorld, o: TokenChange = {}): Promise<string> {
  const claims = {
    iss: upstreamIssuer,
    aud: middleId,
    agent: 'https://agent.example',
    agent_delegate: 'phone',
    cnf: { jwk: made.agentKey.key.publicJwk },
    sub: 'ada-at-one',
    scope: 'events.write events.read',
    iat: made.clock.now,
    exp: made.clock.now + 300,
    jti: 'upstream',
    txn: 'txn-1',
    ...o.claims,
  }
  return forgeToken(o.key ?? made.upstreamKey, { typ: o.typ ?? 'auth+jwt' }, claims)
}

/** What rooms gave the calendar. */
export async function roomsToken(made: ExchangeWorld, o: TokenChange & { readonly to?: Signer } = {}): Promise<string> {
  const { to = made.middle, typ = 'resource+jwt', key = made.roomsKey } = o
  const claims = {
    iss: downstreamId,
    aud: 'https://auth.example',
    agent: to.agent,
    agent_delegate: to.delegate,
    agent_jkt: await thumbprint(to.key.publicJwk),
    scope: 'rooms.read',
    iat: made.clock.now,
    exp: made.clock.now + 300,
    jti: 'resource-token',
    ...o.claims,
  }
  return forgeToken(key, { typ }, claims)
}

/** Sends `request_type=exchange`. */
export async function exchange(
  made: ExchangeWorld,
  o: {
    readonly upstream?: string
    readonly resource?: string
    readonly scope?: string
    readonly by?: Signer
    readonly form?: Record<string, string>
  } = {},
): Promise<Response> {
  const { by = made.middle } = o
  return send(made, by, {
    request_type: 'exchange',
    upstream_token: o.upstream ?? (await upstreamToken(made)),
    resource_token: o.resource ?? (await roomsToken(made, { to: by, claims: { scope: o.scope ?? 'rooms.read' } })),
    redirect_uri: `${by.agent}/interact/callback`,
    state: 's1',
    ...o.form,
  })
}

/** How many rows there are of what an exchange could leave behind. */
export async function rowsIn(database: string): Promise<Record<string, number>> {
  const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
  const count = async (table: keyof Tables): Promise<number> =>
    Number(
      (
        await store.db
          .selectFrom(table)
          .select(({ fn }) => fn.countAll().as('count'))
          .executeTakeFirstOrThrow()
      ).count,
    )
  const [grants, requests, consents, links] = await Promise.all([
    count('auth_server_grants'),
    count('auth_server_requests'),
    count('auth_server_consents'),
    count('auth_server_links'),
  ])
  await store.close()
  return { grants, requests, consents, links }
}
