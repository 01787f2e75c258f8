import { createDiscovery, type Discovery } from '@countersign/discovery'
import {
  generatePrivateJwk,
  generateSigningKey,
  importSigningKey,
  type PrivateJwk,
  type SigningKey,
  serializeSignatureKey,
} from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import type { Wire } from '@countersign/testing/wire'
import { signedMessage } from '@countersign/testing/world/signed-message'
import type { Party, Signer } from '@countersign/testing/world/signer'
import { startedClock } from '@countersign/testing/world/started-clock'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { forgeToken } from '@countersign/testing/world/tokens'
import { makeWeb, publishAgent, publishIssuer, type Web } from '@countersign/testing/world/web'
import {
  createResource,
  memoryRevocationSet,
  type Resource,
  type ResourceEvent,
  type ResourceOptions,
} from './index.js'
import { calendarWords } from './site-words.test.fixture.js'

export const calendarId = 'https://calendar.example'
export const authServerId = 'https://auth.example'

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
  /** A valid auth server that no list names. */
  readonly strangeServer: Party
  readonly calendarKey: PublishedKey
  /** The private half of the calendar's key, for a site in another process. */
  readonly calendarJwk: PrivateJwk
  /** What is published at a URL; undefined for nothing. It counts as a fetch. */
  document(url: string): unknown
  /** Takes a document away. */
  unpublish(url: string): void
  readonly delegateKey: SigningKey
  calendar(options?: Partial<ResourceOptions<Scopes>>): Resource<Scopes>
  /** One more agent. */
  agentAt(id: string): Promise<Party>
  agentToken(claims?: Record<string, unknown>, by?: Party): Promise<string>
  authToken(claims?: Record<string, unknown>, by?: Party): Promise<string>
  request(o: ToSign): Promise<Wire>
}

export async function makeWorld(): Promise<World> {
  const clock = { now: 1_800_000_000.25 }
  const now = () => clock.now
  const web = makeWeb()
  const events: ResourceEvent[] = []
  const [agent, otherAgent, neighbour, authServer, strangeServer] = await Promise.all([
    party('https://agent.example', 'agent', web),
    party('https://other.example', 'agent', web),
    party('https://agent.example:8443', 'agent', web),
    party(authServerId, 'issuer', web),
    party('https://strange.example', 'issuer', web),
  ])
  const calendarJwk = await generatePrivateJwk()
  const calendarKey = { kid: 'r1', key: await importSigningKey(calendarJwk) }
  const delegateKey = await generateSigningKey('ES256')
  const discovery = createDiscovery({ now, fetcher: web.fetcher })
  const times = () => ({ iat: Math.floor(clock.now) - 1, exp: Math.floor(clock.now) + 600, jti: crypto.randomUUID() })
  const cnf = { jwk: delegateKey.publicJwk }
  return {
    clock,
    fetched: web.fetched,
    events,
    discovery,
    agent,
    otherAgent,
    neighbour,
    authServer,
    strangeServer,
    calendarKey,
    calendarJwk,
    unpublish: url => void web.web.delete(url),
    document(url) {
      web.fetched.push(url)
      return web.web.get(url)
    },
    delegateKey,
    calendar: options =>
      createResource({
        id: calendarId,
        keys: [calendarKey],
        authServers: [authServerId],
        scopes: { 'events.read': 'See your events', 'events.write': 'Change your events' },
        ...calendarWords,
        discovery,
        replay: startedReplaySet(now),
        revocations: memoryRevocationSet({ now: startedClock(now) }),
        now,
        onEvent: event => events.push(event),
        ...options,
      }),
    agentAt: id => party(id, 'agent', web),
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

async function party(id: string, kind: 'agent' | 'issuer', web: Web): Promise<Party> {
  const key = { kid: 'k1', key: await generateSigningKey() }
  const publish = kind === 'agent' ? publishAgent : publishIssuer
  publish(web, id, [key], { jwks_uri: `${id}/jwks.json` })
  // An auth server signs its notices as an agent.
  if (kind === 'issuer') publishAgent(web, id, [key], { jwks_uri: `${id}/jwks.json` })
  return { id, ...key }
}

function signedWire({ bytes, created, ...o }: ToSign, now: () => number): Promise<Wire> {
  const body = bytes ?? o.body
  const contentType = o.contentType ?? (body === undefined ? undefined : 'application/json')
  const at = created === undefined ? now : () => created
  return signedMessage({ origin: calendarId, ...o, body, contentType, now: at })
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
