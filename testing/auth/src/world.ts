import type { AuthServerEvent, AuthServerOptions, Policy } from '@countersign/auth-server'
import { type AuthServer, createAuthServer, directGrants } from '@countersign/auth-server'
import { createDiscovery, type Discovery } from '@countersign/discovery'
import { generateSigningKey, type ReceivedMessage, type SigningKey } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { closeAfterFile } from '@countersign/testing/after-file'
import { bodyOf } from '@countersign/testing/responses'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asAgent, asHolder, type Signer as SignerBase } from '@countersign/testing/world/signer'
import { agentToken, resourceToken as makeResourceToken } from '@countersign/testing/world/tokens'
import { makeWeb, publishAgent, publishResource, type Web } from '@countersign/testing/world/web'
import type { UserDeskOptions } from '@countersign/user-desk'
import { userDesk } from '@countersign/user-desk'
import { expect, onTestFinished } from 'vitest'

/** 2026-01-01T00:00:00Z. */
export const newYear = 1_767_225_600

/** An auth server, or a process that is one. */
export type AnsweringServer = Omit<AuthServer, 'paths' | 'access'>

/** Who signs a request, and how. */
export interface Signer extends SignerBase {
  readonly agent: string
  readonly delegate?: string
}

/** An auth server among agents and resources, without a socket: what they publish stands in `web`. */
export interface World extends Web {
  readonly auth: AnsweringServer
  /** Another server with the same keys, database and all. */
  reopen(): Promise<AuthServer>
  readonly clock: { now: number }
  readonly events: AuthServerEvent[]
  readonly discovery: Discovery
  readonly agentKey: PublishedKey
  readonly resourceKey: PublishedKey
}

/** The agent and its delegates may read events at the calendar, and the agent its own notes. */
export const policy: Policy = directGrants([
  {
    agent: 'https://agent.example',
    delegates: ['phone', 'laptop'],
    resource: 'https://calendar.example',
    scopes: ['events.read', 'events.list'],
  },
  { agent: 'https://agent.example', resource: 'https://agent.example', scopes: ['notes.read'] },
])

/** What a test chooses of its world; `policy: 'unset'` leaves it to the auth server's own default. */
export type WorldOptions = Partial<Omit<AuthServerOptions, 'policy' | 'desk'>> &
  Partial<UserDeskOptions> & {
    readonly policy?: Policy | 'unset'
    readonly clock?: { now: number }
    /** Seconds that discovery waits for a document. */
    readonly timeout?: number
  }

export async function world({
  policy: chosen = policy,
  clock = { now: newYear },
  timeout = 5,
  ...rest
}: WorldOptions = {}): Promise<World> {
  const { login, branding, consentDefaults, pagesPerMinute, logoFetcher, ...options } = rest
  const web = makeWeb()
  const events: AuthServerEvent[] = []
  const now = () => clock.now
  const discovery = options.discovery ?? createDiscovery({ fetcher: web.fetcher, now, timeout })
  const all: AuthServerOptions = {
    issuer: 'https://auth.example',
    keys: [{ kid: 'a1', key: await generateSigningKey() }],
    database: 'sqlite::memory:',
    // Instances of one world share a database, each with a key of its own.
    knownKeys: 'replace',
    ...(chosen === 'unset' ? {} : { policy: chosen }),
    now,
    onEvent: event => events.push(event),
    ...(login && { desk: userDesk({ login, ...defined({ branding, consentDefaults, pagesPerMinute, logoFetcher }) }) }),
    ...options,
    discovery,
  }
  const isInTest = expect.getState().currentTestName !== undefined
  const opened: AuthServer[] = []
  const reopen = async (): Promise<AuthServer> => {
    const server = await createAuthServer(all)
    if (isInTest) opened.push(server)
    else closeAfterFile(() => server.close())
    return server
  }
  if (isInTest) onTestFinished(async () => void (await Promise.allSettled(opened.map(server => server.close()))))
  const auth = await reopen()
  const agentKey = { kid: 'k1', key: await generateSigningKey() }
  const resourceKey = { kid: 'r1', key: await generateSigningKey() }
  publishAgent(web, 'https://agent.example', [agentKey])
  publishResource(web, 'https://calendar.example', [resourceKey])
  return { ...web, auth, reopen, clock, discovery, events, agentKey, resourceKey }
}

/** Signs as an agent or a resource that calls others, by its published key. */
export function signerOf(id: string, { kid, key }: PublishedKey): Signer {
  return { ...asAgent({ id, kid, key }), agent: id }
}

/** The agent server itself. */
export function agentServer({ agentKey }: Pick<World, 'agentKey'>): Signer {
  return signerOf('https://agent.example', agentKey)
}

/** A second agent with its own origin. */
export async function otherAgent(made: World): Promise<Signer> {
  const key = { kid: 'o1', key: await generateSigningKey() }
  publishAgent(made, 'https://other.example', [key], { redirect_uris: ['https://app.example/callback'] })
  return signerOf('https://other.example', key)
}

/** What a test changes in a token. */
export interface TokenChange {
  readonly claims?: Record<string, unknown>
  readonly signer?: SigningKey
  readonly kid?: string
}

/** A delegate of the agent, with a fresh key; `o` changes its agent token. */
export async function delegate(
  { agentKey, clock }: Pick<World, 'agentKey' | 'clock'>,
  sub: string,
  { claims, signer = agentKey.key, kid = agentKey.kid }: TokenChange = {},
): Promise<Signer> {
  const key = await generateSigningKey()
  const by = { id: 'https://agent.example', kid, key: signer }
  const jwt = await agentToken(by, { key, now: clock.now, claims: { sub, ...claims } })
  return { ...asHolder(key, jwt), agent: by.id, delegate: sub }
}

/** What the calendar gives a caller for `events.read`; `o` changes it. */
export function resourceToken(
  { resourceKey, clock }: Pick<World, 'resourceKey' | 'clock'>,
  { agent, delegate: agent_delegate, key }: Signer,
  { claims, signer = resourceKey.key, kid = resourceKey.kid }: TokenChange = {},
): Promise<string> {
  const by = { id: 'https://calendar.example', kid, key: signer }
  return makeResourceToken(by, { aud: 'https://auth.example', agent, agent_delegate, key, now: clock.now, claims })
}

/** What may differ from an ordinary form POST. */
export interface PostOptions {
  readonly target?: string
  readonly contentType?: string
  readonly method?: string
  /** The origin it is signed for. */
  readonly origin?: string
}

/** A signed form POST to the token endpoint. */
export async function post(
  { clock }: Pick<World, 'clock'>,
  signer: Pick<Signer, 'key' | 'signatureKey'>,
  form: string | Uint8Array<ArrayBuffer> | Record<string, string>,
  o: PostOptions = {},
): Promise<ReceivedMessage> {
  const { target = '/agent/token', contentType = 'application/x-www-form-urlencoded' } = o
  const { method = 'POST', origin = 'https://auth.example' } = o
  const body = typeof form === 'string' || form instanceof Uint8Array ? form : new URLSearchParams(form).toString()
  const { key, signatureKey } = signer
  const as = { key, signatureKey }
  const now = () => clock.now
  const message = await signedMessage({ as, origin, host: 'auth.example', target, method, contentType, body, now })
  return { ...message, peer: '192.0.2.7' }
}

/** Sends a form as `signer`. */
export async function send(
  made: World,
  signer: Pick<Signer, 'key' | 'signatureKey'>,
  form: string | Uint8Array<ArrayBuffer> | Record<string, string>,
  options: PostOptions = {},
): Promise<Response> {
  return made.auth.handle(await post(made, signer, form, options))
}

/** `request_type=auth` with a fresh resource token of the calendar. */
export async function ask(made: World, signer: Signer): Promise<Response> {
  return send(made, signer, { request_type: 'auth', resource_token: await resourceToken(made, signer) })
}

/** A token answer. */
export interface Tokens {
  readonly auth_token: string
  readonly refresh_token: string
}

/** The tokens of a granted request; throws when it was refused. */
export async function granted(response: Response): Promise<Tokens> {
  const { auth_token, refresh_token } = await bodyOf(response)
  if (response.status === 200 && typeof auth_token === 'string' && typeof refresh_token === 'string') {
    return { auth_token, refresh_token }
  }
  throw new Error('the grant that a test starts from was refused', { cause: { status: response.status } })
}

/** Without the members that are undefined. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}
