import type { CorsOrigins, LogLimit } from '@countersign/protocol'
import { corsCheck, type OptionChecks } from '@countersign/protocol/internal'
import type { Logger, LogLevel } from './log.js'
import type { Participant } from './participant.js'
import type { TracedExchange } from './trace.js'

/** Bounds on the resources of a server that strangers can use. */
export interface ServeLimits {
  /** Bytes of a header block; default 16 KiB. More: 431. */
  readonly headerBytes: number
  /** Header lines; default 200. More: 431. */
  readonly headerLines: number
  /** Seconds in which the header block must arrive; default 10. */
  readonly headersTimeout: number
  /** Seconds in which the whole request must arrive; default 30. */
  readonly requestTimeout: number
  /** Seconds an idle connection is kept; default 10. */
  readonly keepAliveTimeout: number
  /** Seconds that a peer may stop reading the response; default 30. */
  readonly stall: number
  /** Open connections per address; default 10 000. More are dropped. */
  readonly connections: number
  /** Seconds that a WebSocket may be silent in both directions; default 300. */
  readonly tunnelIdle: number
  /** Seconds after which a WebSocket is closed in any case; default 3600. A revoked permission can last this long in it. */
  readonly tunnelSeconds: number
}

export const defaultLimits: ServeLimits = {
  headerBytes: 16 * 1024,
  headerLines: 200,
  headersTimeout: 10,
  requestTimeout: 30,
  keepAliveTimeout: 10,
  stall: 30,
  connections: 10_000,
  tunnelIdle: 300,
  tunnelSeconds: 3600,
}

/** A certificate and its private key, both PEM. */
export interface Certificate {
  /** The certificate chain, the server's own certificate first. */
  readonly cert: string
  readonly key: string
}

/** How a participant is run. */
export interface ServeOptions {
  /** The kind of participant, e.g. `auth-server`; in the ready line and every log record. */
  readonly name: string
  /** The participant's identifier. */
  readonly id: string
  /** 0 takes a free port. */
  readonly port: number
  /** Address to bind; default: all, in development loopback (v4 and v6). */
  readonly host?: string
  /** Loopback only, tracing allowed. Never inferred from the environment. */
  readonly development?: boolean
  readonly participant: Participant
  /** Serves TLS 1.2 or later with this certificate. Default: plain http, for a proxy in front that terminates TLS. */
  readonly tls?: Certificate
  /**
   * Origins whose pages may read every response, including the server's own (a body too large, a failure). The server answers
   * their preflights. Default none.
   * @see protocol §4 "CORS"
   */
  readonly cors?: CorsOrigins
  /** Body bytes; default 64 KiB. More: 413. */
  readonly bodyLimit?: number
  readonly limits?: Partial<ServeLimits>
  /** Default: JSON lines on stderr. */
  readonly log?: Logger
  /** Bounds the log lines of refused requests. Pass one limit to all that write to the same log. Default: a new one. */
  readonly logLimit?: LogLimit
  /** The level of the default log; default `info`. */
  readonly level?: LogLevel
  /** Whether requests that are answered without an error are logged; default true. Refusals and failures always are. */
  readonly accessLog?: boolean
  /** Called with every request and its response; development only. */
  readonly trace?: (exchange: TracedExchange) => void
  /** Seconds that requests under way get to finish when the server closes; default 10. */
  readonly drain?: number
  /**
   * Seconds between failing readiness and refusing connections, so that a load balancer notices first; default 0.
   * The seconds of `drain` begin after them.
   */
  readonly lameDuck?: number
  /** Whether SIGTERM and SIGINT close the server and end the process with 0; default true. A second one ends it at once. */
  readonly signals?: boolean
  /** Called with the ready line; default: writes it to stdout. */
  readonly announce?: (line: string) => void
  /** Unix seconds. */
  readonly now?: () => number
}

const limitsChecks: OptionChecks<ServeLimits> = {
  headerBytes: 'number',
  headerLines: 'number',
  headersTimeout: 'number',
  requestTimeout: 'number',
  keepAliveTimeout: 'number',
  stall: 'number',
  connections: 'number',
  tunnelIdle: 'number',
  tunnelSeconds: 'number',
}

export const serveChecks: OptionChecks<ServeOptions> = {
  name: 'string',
  id: 'string',
  port: 'number',
  host: 'string',
  development: 'boolean',
  participant: 'object',
  tls: { cert: 'string', key: 'string' },
  cors: corsCheck,
  bodyLimit: 'number',
  limits: { ...limitsChecks },
  log: 'object',
  logLimit: 'object',
  level: ['debug', 'info', 'warn', 'error', 'silent'],
  accessLog: 'boolean',
  trace: 'function',
  drain: 'number',
  lameDuck: 'number',
  signals: 'boolean',
  announce: 'function',
  now: 'function',
}
