import type { AuditOptions } from '@countersign/audit'
import type { ReplaySet } from '@countersign/httpsig'
import type { CorsOrigins, PublishedKey } from '@countersign/protocol'
import type { EpochKeeper, KeyRotation } from '@countersign/store'
import type { TrustedProxies } from '@countersign/verify'
import type { WebBotKeys } from './bot-directory.js'
import type { Enrollment } from './enrollment/enrollment.js'
import type { AgentServerEvent } from './event.js'
import type { AgentServerTelemetry } from './telemetry.js'

/** How an agent server is set up. */
export interface AgentServerOptions extends TrustedProxies {
  /** The agent identifier, e.g. `https://agent.example`. */
  readonly id: string
  /**
   * Its own keys. In a list, the first key signs; publish a key at least 30 seconds before it becomes the first.
   * With a rotation, keys are made, published ahead and retired without a restart. They are kept in `database`, private parts
   * included, or in memory where there is no database. Default: a rotation every 30 days.
   */
  readonly keys?: readonly PublishedKey[] | KeyRotation
  /** Store URL: `sqlite:FILE` or `postgres://…`. Without one there are no delegates: see `createAgentServer`. */
  readonly database?: string
  /**
   * Keeps a mark of the database's age outside of it and its backups: `epochFile` of `@countersign/server`. The server does not
   * start on a database that was restored from a backup before `restoreAgentServer`. Default: none; a restore goes unnoticed.
   * @see protocol §6.3
   */
  readonly epoch?: EpochKeeper
  /**
   * What to do when the database was used with none of `keys`, for example because their file was not mounted and a new one was
   * made. `check`, the default, refuses to open. `replace` accepts the new keys: the earlier ones are lost or stolen. `ignore` is
   * for a program that signs nothing with them.
   */
  readonly knownKeys?: 'check' | 'replace' | 'ignore'
  /**
   * Keeps a tamper-evident log in the database: of enrolments, key changes, alarms and what operators do, each stored with what it changes,
   * or neither. A database that has a log does not open without this option; `off` records nothing more, and `append` records without the
   * key where there is a log, for a program beside the server. Default: no log.
   * @see docs/audit.md
   */
  readonly audit?: AuditOptions | 'append' | 'off'
  /** The agent's name, for metadata. */
  readonly name?: string
  /** Where auth servers may send its users back to. Each URL is compared exactly: https, and in development http on loopback. */
  readonly redirectUris?: readonly string[]
  /**
   * Whether its users may also be sent back to 127.0.0.1 or [::1], where a program on their own machine listens.
   * Auth servers then ask the user every time. Default false.
   * @see protocol §6.3
   */
  readonly localhostCallbackAllowed?: boolean
  /** Seconds an agent token lives. Default 3600, at most 86 400. */
  readonly tokenLifetime?: number
  /** The ways to enrol, each of its own type. Default: `[codes()]`. */
  readonly enrollment?: readonly Enrollment[]
  /** The receivers that may accept its tokens. Default: all. The agent server itself is added, so that tokens can be renewed. */
  readonly audience?: string | readonly string[]
  /** Where signed requests are remembered. Default: in memory. */
  readonly replay?: ReplaySet
  /** Unix seconds. */
  readonly now?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /**
   * The origins whose pages may call it from a browser: `*` or exact origins. Default none: CORS is off. See `CorsOrigins`.
   * @see protocol §4 "CORS"
   */
  readonly cors?: CorsOrigins
  /**
   * Publishes a key directory for Web Bot Auth: agents that hold one of these keys are verified bots, too. Default: none.
   * @see protocol §3.8
   */
  readonly webBotAuth?: WebBotKeys
  /** Measures the server: `openTelemetry` of `@countersign/agent-server/otel`. Default: nothing is measured. */
  readonly telemetry?: AgentServerTelemetry
  /** Receives one event for each enrolment, renewal, rotation, alarm, refusal, own key and act of the operator. Must not throw. */
  readonly onEvent?: (event: AgentServerEvent) => void
}
