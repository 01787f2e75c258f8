import { createDiscovery, type Discovery } from '@countersign/discovery'
import {
  base64urlEncode,
  generatePrivateJwk,
  generateSigningKey,
  importSigningKey,
  memoryReplaySet,
  type PrivateJwk,
  type SignatureKey,
  type SigningKey,
  serializeSignatureKey,
  signRequest,
} from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { createResource, type Resource, type ResourceEvent, type ResourceOptions } from './index.js'
import type { Wire } from './wire.test.fixture.js'

export const calendarId = 'https://calendar.example'
export const authServerId = 'https://auth.example'

/** Somebody with an identifier and a published key. */
export interface Party extends PublishedKey {
  readonly id: string
}

/** A key, and how a verifier finds it. */
export interface Signer {
  readonly key: SigningKey
  readonly signatureKey: SignatureKey
}

export interface ToSign {
  readonly as: Signer
  readonly method?: string
  readonly target?: string
  readonly headers?: ReadonlyArray<readonly [string, string]>
  readonly body?: string
  /** In the place of `body`, where it is no text. */
  readonly bytes?: Uint8Array<ArrayBuffer>
  readonly contentType?: string
  readonly origin?: string
  readonly created?: number
  readonly additionalComponents?: readonly string[]
}

type Scopes = 'events.read' | 'events.write'

/** Everyone of one story: an agent, its delegate, an auth server, strangers; one clock; documents without a network. */
export interface World {
  readonly clock: { now: number }
  readonly fetched: string[]
  readonly events: ResourceEvent[]
  readonly discovery: Discovery
  readonly agent: Party
  readonly otherAgent: Party
  /** At another port of the agent's host. */
  readonly neighbour: Party
  readonly authServer: Party
  /** Perfect in all, but on nobody's list. */
  readonly strangeServer: Party
  readonly calendarKey: PublishedKey
  /** The private half of the calendar's key, for a site in another process. */
  readonly calendarJwk: PrivateJwk
  /** What is published at a URL; undefined for nothing. It counts as a fetch. */
  document(url: string): object | undefined
  readonly delegateKey: SigningKey
  calendar(options?: Partial<ResourceOptions<Scopes>>): Resource<Scopes>
  /** One more agent. */
  agentAt(id: string): Promise<Party>
  agentToken(claims?: Record<string, unknown>, by?: Party): Promise<string>
  authToken(claims?: Record<string, unknown>, by?: Party): Promise<string>
  request(o: ToSign): Promise<Wire>
}

export const asKey = (key: SigningKey): Signer => ({ key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } })
export const asAgent = ({ id, kid, key }: Party): Signer => ({
  key,
  signatureKey: { scheme: 'jwks_uri', id, kid, dwk: 'aauth-agent' },
})
export const asHolder = (key: SigningKey, jwt: string): Signer => ({ key, signatureKey: { scheme: 'jwt', jwt } })

export async function makeWorld(): Promise<World> {
  const clock = { now: 1_800_000_000.25 }
  const now = () => clock.now
  const fetched: string[] = []
  const events: ResourceEvent[] = []
  const documents = new Map<string, object>()
  const [agent, otherAgent, neighbour, authServer, strangeServer] = await Promise.all([
    party('https://agent.example', 'agent', documents),
    party('https://other.example', 'agent', documents),
    party('https://agent.example:8443', 'agent', documents),
    party(authServerId, 'issuer', documents),
    party('https://strange.example', 'issuer', documents),
  ])
  const calendarJwk = await generatePrivateJwk()
  const calendarKey = { kid: 'r1', key: await importSigningKey(calendarJwk) }
  const document = (url: string): object | undefined => {
    fetched.push(url)
    return documents.get(url)
  }
  const delegateKey = await generateSigningKey('ES256')
  const discovery = createDiscovery({
    now,
    fetcher: async url => {
      const found = document(url)
      const body = new TextEncoder().encode(JSON.stringify(found ?? {}))
      return { status: found === undefined ? 404 : 200, contentType: 'application/json', body }
    },
  })
  const times = () => ({ iat: Math.floor(clock.now) - 1, exp: Math.floor(clock.now) + 600, jti: crypto.randomUUID() })
  const cnf = { jwk: delegateKey.publicJwk }
  return {
    clock,
    fetched,
    events,
    discovery,
    agent,
    otherAgent,
    neighbour,
    authServer,
    strangeServer,
    calendarKey,
    calendarJwk,
    document,
    delegateKey,
    calendar: options =>
      createResource({
        id: calendarId,
        keys: [calendarKey],
        authServers: [authServerId],
        scopes: { 'events.read': 'See your events', 'events.write': 'Change your events' },
        discovery,
        replay: memoryReplaySet({ now: earlyStart(now) }),
        now,
        onEvent: event => events.push(event),
        ...options,
      }),
    agentAt: id => party(id, 'agent', documents),
    agentToken: (claims = {}, by = agent) =>
      forgeToken(by, { typ: 'agent+jwt' }, { iss: by.id, sub: 'phone', cnf, ...times(), ...claims }),
    authToken: (claims = {}, by = authServer) =>
      forgeToken(
        by,
        { typ: 'auth+jwt' },
        {
          iss: by.id,
          aud: calendarId,
          agent: agent.id,
          agent_delegate: 'phone',
          scope: 'events.read',
          cnf,
          ...times(),
          ...claims,
        },
      ),
    request: o => signedWire(o, now),
  }
}

async function party(id: string, kind: 'agent' | 'issuer', documents: Map<string, object>): Promise<Party> {
  const key = await generateSigningKey()
  const own = kind === 'agent' ? { agent: id } : { agent_token_endpoint: `${id}/token` }
  documents.set(`${id}/.well-known/aauth-${kind}`, { issuer: id, jwks_uri: `${id}/jwks.json`, ...own })
  documents.set(`${id}/jwks.json`, { keys: [{ ...key.publicJwk, kid: 'k1', use: 'sig' }] })
  return { id, kid: 'k1', key }
}

/** The set has been up for long: what it would refuse just after a start has tests of its own. */
export function earlyStart(now: () => number): () => number {
  let started = false
  return () => {
    if (started) return now()
    started = true
    return now() - 1000
  }
}

/** A JWS with any header and claims, also those no honest issuer would sign. */
export async function forgeToken(by: PublishedKey, header: object, claims: object): Promise<string> {
  const part = (value: object) => base64urlEncode(new TextEncoder().encode(JSON.stringify(value)))
  const input = `${part({ alg: by.key.algorithm, kid: by.kid, ...header })}.${part(claims)}`
  return `${input}.${base64urlEncode(await by.key.sign(new TextEncoder().encode(input)))}`
}

async function signedWire(o: ToSign, now: () => number): Promise<Wire> {
  const { as, method = 'GET', target = '/', origin = calendarId, created } = o
  const body = o.bytes ?? (o.body === undefined ? undefined : new TextEncoder().encode(o.body))
  const contentType = o.contentType ?? (body === undefined ? undefined : 'application/json')
  const headers = [...(o.headers ?? []), ...(contentType === undefined ? [] : [['content-type', contentType] as const])]
  const added = await signRequest({
    method,
    url: origin + target,
    headers,
    ...(body === undefined ? {} : { body }),
    ...as,
    ...(o.additionalComponents === undefined ? {} : { additionalComponents: o.additionalComponents }),
    now: created === undefined ? now : () => created,
  })
  return {
    method,
    target,
    headers: [['host', new URL(origin).host], ...headers, ...added],
    ...(body === undefined ? {} : { body }),
  }
}

/** What to sign by hand, to the letter: `input` is the inner list with its parameters, as it will stand in Signature-Input. */
export interface ByHand {
  readonly as: Signer
  readonly input: string
  readonly method?: string
  readonly target?: string
  readonly headers?: ReadonlyArray<readonly [string, string]>
  readonly body?: string
  readonly label?: string
  /** What `@authority` is in the base. */
  readonly authority?: string
}

/** Signs with its own reading of RFC 9421, so that the code under test is not measured by itself. */
export async function signByHand(o: ByHand): Promise<Wire> {
  const { as, input, method = 'GET', target = '/', label = 'sig', authority = 'calendar.example' } = o
  const signatureKey = serializeSignatureKey(label, as.signatureKey)
  const headers: Array<readonly [string, string]> = [...(o.headers ?? []), ['signature-key', signatureKey]]
  const [path = '', query] = target.split(/(?=\?)/)
  const derived: Record<string, string> = {
    '@method': method,
    '@authority': authority,
    '@path': path,
    '@query': query ?? '?',
    '@scheme': 'https',
    '@target-uri': `https://${authority}${target}`,
    '@request-target': target,
  }
  const lineOf = (name: string) =>
    derived[name] ??
    headers
      .filter(([header]) => header.toLowerCase() === name)
      .map(([, value]) => value.trim())
      .join(', ')
  const list = /^\(([^)]*)\)/.exec(input)?.[1] ?? ''
  const lines = [...list.matchAll(/"([^"]*)"[^ ]*/g)].map(([written, name]) => `${written}: ${lineOf(name ?? '')}`)
  const base = [...lines, `"@signature-params": ${input}`].join('\n')
  const signature = Buffer.from(await as.key.sign(new TextEncoder().encode(base))).toString('base64')
  return {
    method,
    target,
    headers: [
      ['host', 'calendar.example'],
      ...headers,
      ['signature-input', `${label}=${input}`],
      ['signature', `${label}=:${signature}:`],
    ],
    ...(o.body === undefined ? {} : { body: new TextEncoder().encode(o.body) }),
  }
}
