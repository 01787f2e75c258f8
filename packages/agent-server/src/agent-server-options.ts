import type { ReplaySet } from '@countersign/httpsig'
import {
  AAuthError,
  type AgentMetadata,
  type CorsOrigins,
  checkIdentifier,
  type PublishedKey,
  parseAgentMetadata,
} from '@countersign/protocol'
import type { EpochKeeper } from '@countersign/store'
import type { TrustedProxies } from '@countersign/verify'
import { checkAgentServerOptions } from './check-agent-server-options.js'
import type { Enrollment } from './enrollment.js'
import type { AgentServerEvent } from './event.js'
import type { KeyRotation } from './own-keys.js'
import { delegateTokenPath } from './routes.js'

const longestLifetime = 86_400

/** How an agent server is set up. */
export interface AgentServerOptions extends TrustedProxies {
  /** The agent identifier, e.g. `https://agent.example`. */
  readonly id: string
  /**
   * Its own keys. A list: the first one signs, and its operator publishes a key at least 30 seconds before it comes first.
   * A rotation: they are made, published ahead and retired without a restart, and kept in `database`, private parts included,
   * or in memory where there is none. Default: a rotation every 30 days.
   */
  readonly keys?: readonly PublishedKey[] | KeyRotation
  /** Store URL: `sqlite:FILE` or `postgres://…`. Without one there are no delegates: see `createAgentServer`. */
  readonly database?: string
  /**
   * Keeps, outside the database and its backups, how far the database has come: `epochFile` of `@countersign/server`. A database
   * that was restored from a backup does not start before `restoreAgentServer`. Default: none, and that is not noticed.
   * @see protocol §6.3
   */
  readonly epoch?: EpochKeeper
  /**
   * What to do when the database was used with none of `keys`, as when their file is not mounted and a new one was made. `check`,
   * the default, refuses to open. `replace` takes them: the keys of before are lost or stolen. `ignore` is for a program that signs
   * nothing with them.
   */
  readonly knownKeys?: 'check' | 'replace' | 'ignore'
  /** The agent's name, for metadata. */
  readonly name?: string
  /** Where auth servers may send its users back to, each compared letter for letter: https, in development loopback http too. */
  readonly redirectUris?: readonly string[]
  /**
   * Whether its users may also be sent back to a listener on 127.0.0.1 or [::1] of their machine, for programs that run there.
   * Auth servers ask the user every time then. Default false.
   * @see protocol §6.3
   */
  readonly localhostCallbackAllowed?: boolean
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
  /** Receives one event per enrolment, renewal, rotation, alarm, refusal, own key and operator's act; must not throw. */
  readonly onEvent?: (event: AgentServerEvent) => void
}

const defaultLifetime = 3600

/** What the options come to, checked. */
export interface Settings {
  readonly metadata: AgentMetadata
  readonly keys: readonly PublishedKey[] | KeyRotation
  /** Seconds an agent token lives. */
  readonly lifetime: number
  readonly audience?: string[]
  readonly development: boolean
  readonly now: () => number
  readonly onEvent: (event: AgentServerEvent) => void
}

/**
 * Checks the options and fills in what they leave out.
 * @throws TypeError, RangeError
 */
export function settingsOf(options: AgentServerOptions): Settings {
  checkAgentServerOptions(options)
  const { id, development = false, tokenLifetime = defaultLifetime } = options
  checkIdentifier('id', id, { development })
  if (!Number.isInteger(tokenLifetime) || tokenLifetime < 1 || tokenLifetime > longestLifetime)
    throw new RangeError('tokenLifetime must be whole seconds, 1 to 86 400')
  if (options.database === undefined && options.enrollment !== undefined)
    throw new TypeError('enrollment needs a database: delegates that nobody remembers could not renew')
  return {
    metadata: agentMetadata(options),
    keys: options.keys ?? { rotateEvery: 30 * 86_400 },
    lifetime: tokenLifetime,
    ...audienceOf(options),
    development,
    now: options.now ?? (() => Date.now() / 1000),
    onEvent: options.onEvent ?? (() => undefined),
  }
}

function agentMetadata(options: AgentServerOptions): AgentMetadata {
  const { id, name, database, redirectUris, localhostCallbackAllowed, development = false } = options
  const metadata: AgentMetadata = {
    issuer: id,
    agent: id,
    jwks_uri: `${id}/.well-known/jwks.json`,
    ...(database === undefined ? {} : { delegate_token_endpoint: `${id}${delegateTokenPath}` }),
    ...(name === undefined ? {} : { name }),
    ...(redirectUris === undefined ? {} : { redirect_uris: redirectUris }),
    ...(localhostCallbackAllowed === undefined ? {} : { localhost_callback_allowed: localhostCallbackAllowed }),
  }
  try {
    return parseAgentMetadata(metadata, id, { development })
  } catch (error) {
    // What others would refuse to read must not be published.
    throw error instanceof AAuthError ? new TypeError(error.description) : error
  }
}

function audienceOf({ id, audience }: AgentServerOptions): { audience?: string[] } {
  if (audience === undefined) return {}
  return { audience: [...new Set([...(typeof audience === 'string' ? [audience] : audience), id])] }
}
