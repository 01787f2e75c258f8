import { memoryReplaySet, type ReceivedMessage, type ReplaySet } from '@countersign/httpsig'
import {
  type AgentMetadata,
  type CorsOrigins,
  isIdentifier,
  jwks,
  type PublishedKey,
  withCors,
} from '@countersign/protocol'
import { openStore } from '@countersign/store'
import { createVerifier } from '@countersign/verify'
import { type AgentTokenIssuer, issueAgentToken } from './agent-token.js'
import { delegateKeysIn } from './delegate-key.js'
import { delegatesIn } from './delegates.js'
import { type Enrollment, openEnrollments } from './enrollment.js'
import { codes } from './enrollment-codes.js'
import type { AgentServerEvent } from './event.js'
import { type Oversight, oversight } from './oversight.js'
import { ownDiscovery } from './own-discovery.js'
import { delegateTokenPath, requestHandler } from './routes.js'
import { migrations, type Tables } from './tables.js'

const longestLifetime = 86_400

/** How an agent server is set up. */
export interface AgentServerOptions {
  /** The agent identifier, e.g. `https://agent.example`. */
  readonly id: string
  /** Published keys; the first one signs. Publish a key at least 30 seconds before it comes first. */
  readonly keys: readonly PublishedKey[]
  /** Store URL: `sqlite:FILE` or `postgres://…`. */
  readonly database: string
  /** The agent's name, for metadata. */
  readonly name?: string
  /** Seconds an agent token lives. Default 3600, at most 86 400. */
  readonly tokenLifetime?: number
  /** The ways to enrol, each of its own type. Default: `[codes()]`. */
  readonly enrollment?: readonly Enrollment[]
  /** The receivers its tokens are good for. Default: every one. The agent server itself is added, or no token could be renewed. */
  readonly audience?: string | readonly string[]
  /** Where signed requests are remembered. Default: in memory. */
  readonly replay?: ReplaySet
  /** Unix seconds. */
  readonly now?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /**
   * Whose pages may call it from a browser: `*` or exact origins. Default none: CORS is off. See `CorsOrigins`.
   * @see protocol §4 "CORS"
   */
  readonly cors?: CorsOrigins
  /** Receives one event per enrolment, renewal, rotation, alarm, refusal and operator's act; must not throw. */
  readonly onEvent?: (event: AgentServerEvent) => void
}

/** A running agent server. */
export interface AgentServer extends Oversight {
  /** Answers one request: metadata, JWKS, delegate token endpoint; 404 for anything else. */
  handle(message: ReceivedMessage): Promise<Response>
  /** Rejects when the database does not answer. */
  ready(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens an agent server: it publishes the agent's identity, enrols delegates and issues their agent tokens.
 * @throws TypeError when `id` is no identifier or no token could be issued; RangeError when `tokenLifetime` is out of range
 * @see protocol §5 "Delegates get agent tokens", §6 "Agent metadata"
 */
export async function createAgentServer(options: AgentServerOptions): Promise<AgentServer> {
  const { id, keys, development = false, now = () => Date.now() / 1000, onEvent = () => undefined } = options
  const issuer = issuerOf(options)
  await probe(issuer, 'probe')
  const store = await openStore<Tables>({ url: options.database, room: 'agent_server', migrations })
  const metadata = agentMetadata(options)
  const discovery = ownDiscovery(metadata, keys)
  const delegates = delegatesIn(store, now)
  const enrollments = openEnrollments(options.enrollment ?? [codes()], { id, store, now, development })
  const handle = requestHandler(
    { metadata, keys, now, onEvent },
    {
      verifier: createVerifier({ receiver: id, discovery, accept: ['hwk', 'agent+jwt'], now, development }),
      replay: options.replay ?? memoryReplaySet({ now }),
      endpoint: `${id}${delegateTokenPath}`,
      delegates,
      delegateKeys: delegateKeysIn(store, now),
      enrollments,
      issuer,
      now,
      onEvent,
    },
  )
  return {
    handle: withCors(options.cors, handle),
    ...oversight({
      store,
      delegates,
      takesCodes: enrollments.has('code'),
      checkSub: sub => probe(issuer, sub),
      now,
      onEvent,
    }),
    ready: () => store.check(),
    close: () => store.close(),
  }
}

function issuerOf(options: AgentServerOptions): AgentTokenIssuer {
  const { id, keys, development = false, tokenLifetime = 3600 } = options
  const [key] = keys
  if (!isIdentifier(id, { development })) throw new TypeError('id must be an identifier such as https://agent.example')
  if (key === undefined) throw new TypeError('keys must hold at least one key')
  jwks(keys)
  if (!Number.isInteger(tokenLifetime) || tokenLifetime < 1 || tokenLifetime > longestLifetime) {
    throw new RangeError('tokenLifetime must be whole seconds, 1 to 86 400')
  }
  return { id, key, lifetime: tokenLifetime, ...audienceOf(options) }
}

/** What no token could carry is refused when it is configured or named, not at the first delegate. */
async function probe(issuer: AgentTokenIssuer, sub: string): Promise<void> {
  await issueAgentToken(issuer, { sub, jwk: issuer.key.key.publicJwk, now: 0 })
}

function agentMetadata({ id, name }: AgentServerOptions): AgentMetadata {
  return {
    issuer: id,
    agent: id,
    jwks_uri: `${id}/.well-known/jwks.json`,
    delegate_token_endpoint: `${id}${delegateTokenPath}`,
    ...(name === undefined ? {} : { name }),
  }
}

function audienceOf({ id, audience }: AgentServerOptions): { audience?: string[] } {
  if (audience === undefined) return {}
  return { audience: [...new Set([...(typeof audience === 'string' ? [audience] : audience), id])] }
}
