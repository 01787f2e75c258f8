import type { ReplaySet } from '@countersign/httpsig'
import type { CorsOrigins, PublishedKey } from '@countersign/protocol'
import type { EpochKeeper } from '@countersign/store'
import type { TrustedProxies } from '@countersign/verify'
import type { Enrollment } from './enrollment/enrollment.js'
import type { AgentServerEvent } from './event.js'
import type { KeyRotation } from './key/own-keys.js'

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
