import type { AuditOptions } from '@countersign/audit'
import type { Discovery, SiteOf } from '@countersign/discovery'
import type { ReplaySet } from '@countersign/httpsig'
import type { CorsOrigins, PublishedKey } from '@countersign/protocol'
import type { EpochKeeper, KeyRotation } from '@countersign/store'
import type { TrustedProxies } from '@countersign/verify'
import type { ApprovalLimits } from './approval/approval-limits.js'
import type { ApprovalNotice } from './approval/approvals.js'
import type { DenyLists } from './block/deny.js'
import type { RequestQuota } from './bound/request-quota.js'
import type { Desk } from './desk.js'
import type { AuthServerEvent } from './event/event.js'
import type { ExchangeOptions } from './exchange/exchange-rule.js'
import type { Policy } from './policy/policy.js'
import type { AuthServerTelemetry } from './telemetry.js'

/** How an auth server is set up. */
export interface AuthServerOptions extends TrustedProxies {
  /** The issuer, e.g. `https://auth.example`. */
  readonly issuer: string
  /**
   * Its keys. In a list, the first key signs, and nothing rotates: so with keys in a KMS. Publish a key at least 30 seconds before it
   * comes first. With a rotation, keys are made, published ahead and retired without a restart; they are kept in `database`, private parts
   * included, but for those of `before`.
   * @see protocol §10
   */
  readonly keys: readonly PublishedKey[] | KeyRotation
  /** Store URL: `sqlite:FILE` or `postgres://…`. */
  readonly database: string
  /**
   * Keeps a mark of how far the database has come, outside the database and its backups: `epochFile` of `@countersign/server`. A database
   * that was restored from a backup does not start before `restoreAuthServer`. Default: none; a restored database is not noticed.
   * @see protocol §6.3
   */
  readonly epoch?: EpochKeeper
  /**
   * What to do when the database was used with none of `keys`, e.g. because their file was not mounted and a new one was made.
   * `check`, the default, refuses to open. `replace` accepts `keys`, and ends all others at once: for when the former keys are lost or
   * stolen, or a rotation is given up.
   */
  readonly knownKeys?: 'check' | 'replace'
  /**
   * Keeps a tamper-evident log of all decisions in the database: each is stored with what it changes, or neither is. A database that has a
   * log does not open without this option, so that a mistake in a configuration leaves no gap; `off` says that nothing more is recorded.
   * Default: no log.
   * @see docs/audit.md
   */
  readonly audit?: AuditOptions | 'off'
  /** Where users sign in and are asked: `userDesk` of `@countersign/user-desk`. Default: none, and nothing that needs a user is granted. */
  readonly desk?: Desk
  /**
   * Who gets nothing: no token, and a user no session. Grants stay, and rest. An operator blocks others at run time with
   * `@countersign/console`. Default: nobody.
   */
  readonly deny?: DenyLists
  /** Decides every grant and every refresh. Default: deny everything. */
  readonly policy?: Policy
  /**
   * Agents that may use the device flow, each exactly, or `any`; it needs a `desk`. Default: none, because an agent that may start it
   * can ask any user anywhere to type in a code.
   * @see protocol §6.3
   */
  readonly deviceFlow?: 'any' | readonly string[]
  /**
   * Lets resources exchange the tokens they are called with for tokens of resources that they call. Default: nothing is
   * exchanged. A policy is asked as well, with `upstream`, and the stricter decision holds; without a `policy` the rules alone decide.
   * @see protocol §7
   */
  readonly exchange?: ExchangeOptions
  /** Sends the requests that link users to upstream issuers' token endpoints. Default: to public addresses only. */
  readonly fetch?: typeof fetch
  /** How many requests may wait for users at once. Default: 1000 of one agent, 100 of one delegate, 10 000 in all. */
  readonly requestQuota?: RequestQuota
  /** How often one user is asked to approve single calls. Default: 5 open questions of one delegate, 10 of one agent, 50 in 24 hours. */
  readonly approvalLimits?: ApprovalLimits
  /**
   * Tells a user that a question waits in their inbox, e.g. by a push message with a link to `/account/approval?question=…`. It is called
   * once a question, after it is stored; what it throws or rejects with changes nothing. Default: the user sees it on their account page.
   * @see protocol §9.4
   */
  readonly onApproval?: (notice: ApprovalNotice) => unknown
  /** Finds the keys of agents and resources. Default on Node: one with the guarded fetcher. */
  readonly discovery?: Discovery
  /** Remembers signed requests, so that none is accepted twice. Default: in memory. */
  readonly replay?: ReplaySet
  /**
   * The site of an agent. All agents of a site have one share of the limits that strangers have in common. Default: the registrable
   * domain by the ICANN part of the Public Suffix List.
   */
  readonly siteOf?: SiteOf
  /** Seconds an auth token lives. Default 600, at most 3600. */
  readonly authTokenLifetime?: number
  /** Unix seconds. */
  readonly now?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /**
   * Whose pages may call it from a browser: `*` or exact origins. Default none: CORS is off. See `CorsOrigins`.
   * @see protocol §4 "CORS"
   */
  readonly cors?: CorsOrigins
  /** Measures the server: `openTelemetry` of `@countersign/auth-server/otel`. Default: nothing is measured. */
  readonly telemetry?: AuthServerTelemetry
  /** Receives one event per decision; must not throw. */
  readonly onEvent?: (event: AuthServerEvent) => void
}
