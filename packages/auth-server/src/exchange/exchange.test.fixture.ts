import { createDiscovery, type Discovery, type FetchedDocument } from '@countersign/discovery'
import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import { jwks, type PublishedKey } from '@countersign/protocol'
import { openStore } from '@countersign/store'
import { demoUsers } from '../login/login-method.js'
import type { AuthServerOptions } from '../options.js'
import { migrations, type Tables } from '../tables.js'
import { publishAgent, publishResource, type Signer, send, type World, world } from '../world.test.fixture.js'
import type { ExchangeRule } from './exchange-rule.js'

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
  /** Hosts that never answer. */
  readonly hanging: Set<string>
  readonly discovery: Discovery
}

type Options = Partial<Omit<AuthServerOptions, 'now'>> & {
  readonly rules?: readonly ExchangeRule[]
  readonly clock?: { now: number }
  readonly timeout?: number
  readonly upstreamKey?: PublishedKey
}

export async function exchangeWorld(o: Options = {}): Promise<ExchangeWorld> {
  const { rules = [rule, asking], clock, timeout = 5, upstreamKey: given, ...options } = o
  const web = new Map<string, unknown>()
  const down = new Set<string>()
  const hanging = new Set<string>()
  const fetched: string[] = []
  const time = clock ?? { now: 1_767_225_600 }
  const now = () => time.now
  const fetcher = async (url: string): Promise<FetchedDocument> => {
    fetched.push(url)
    if (hanging.has(new URL(url).origin)) await new Promise(() => undefined)
    if (down.has(new URL(url).origin)) throw new Error('connection refused')
    const document = web.get(url)
    const body = new TextEncoder().encode(JSON.stringify(document ?? {}))
    return { status: document === undefined ? 404 : 200, contentType: 'application/json', body }
  }
  const discovery = o.discovery ?? createDiscovery({ fetcher, now, timeout })
  const made = await world({
    policy: 'unset',
    login: [
      demoUsers([
        { name: 'Ada', subject: 'ada', email: 'ada@demo.example' },
        { name: 'Grace', subject: 'grace' },
      ]),
    ],
    development: true,
    now,
    exchange: { rules },
    ...options,
    discovery,
  })
  const [middleKey, upstreamKey, roomsKey] = [
    { kid: 'm1', key: await generateSigningKey() },
    given ?? { kid: 'u1', key: await generateSigningKey() },
    { kid: 'w1', key: await generateSigningKey() },
  ]
  const all = { ...made, web, down, hanging, fetched, discovery, clock: time, middleKey, upstreamKey, roomsKey }
  publishAgent(all, 'https://agent.example', [made.agentKey])
  publishMiddle(all, middleId, middleKey)
  publishResource(all, downstreamId, [roomsKey], ['rooms.read', 'rooms.book'])
  publishIssuer(all, upstreamIssuer, [upstreamKey])
  return { ...all, middle: signerOf(middleId, middleKey) }
}

/** A resource that calls others: an agent, too, under the same identifier. */
export function publishMiddle({ web }: Pick<World, 'web'>, id: string, key: PublishedKey): void {
  publishAgent({ web }, id, [key])
  const url = `${id}/.well-known/aauth-agent`
  web.set(url, { ...Object(web.get(url)), redirect_uris: [`${id}/interact/callback`] })
}

export function signerOf(id: string, { kid, key }: PublishedKey): Signer {
  return { key, signatureKey: { scheme: 'jwks_uri', id, kid, dwk: 'aauth-agent' }, agent: id }
}

export function publishIssuer({ web }: Pick<World, 'web'>, id: string, keys: readonly PublishedKey[]): void {
  web.set(`${id}/.well-known/aauth-issuer`, {
    issuer: id,
    jwks_uri: `${id}/keys`,
    agent_token_endpoint: `${id}/agent/token`,
    agent_auth_endpoint: `${id}/agent/authorize`,
  })
  web.set(`${id}/keys`, jwks(keys))
}

/** Changes to a token; a claim that is undefined is left out, as JSON does. */
export interface TokenChange {
  readonly claims?: Record<string, unknown>
  readonly key?: PublishedKey
  readonly typ?: string
}

/** Signs what no honest issuer would, too. */
export async function signed(
  { kid, key }: PublishedKey,
  { typ, claims }: { readonly typ: string; readonly claims: Record<string, unknown> },
): Promise<string> {
  const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${segment({ typ, alg: key.algorithm, kid })}.${segment(claims)}`
  return `${input}.${Buffer.from(await key.sign(new TextEncoder().encode(input))).toString('base64url')}`
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
  return signed(o.key ?? made.upstreamKey, { typ: o.typ ?? 'auth+jwt', claims })
}

/** What rooms gave the calendar. */
export async function roomsToken(made: ExchangeWorld, o: TokenChange & { readonly to?: Signer } = {}): Promise<string> {
  const to = o.to ?? made.middle
  const claims = {
    iss: downstreamId,
    aud: 'https://auth.example',
    agent: to.agent,
    ...(to.delegate === undefined ? {} : { agent_delegate: to.delegate }),
    agent_jkt: await thumbprint(to.key.publicJwk),
    scope: 'rooms.read',
    iat: made.clock.now,
    exp: made.clock.now + 300,
    jti: 'resource-token',
    ...o.claims,
  }
  return signed(o.key ?? made.roomsKey, { typ: o.typ ?? 'resource+jwt', claims })
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
