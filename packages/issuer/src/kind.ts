import type { AuditEvent } from '@countersign/audit'
import type { Counted, Share } from '@countersign/audit/internal'
import type { IssuerEvent } from './issuer-event.js'

/** What a kind of server is, whatever its options say: an auth server, or an agent server. */
export interface IssuerKind<E> {
  /** Begins the names of its tables. */
  readonly room: string
  /** Seconds: how long a token may live, and for how long after that the server itself accepts one. */
  readonly lifetimes: { readonly tokenLifetime: number; readonly grace: number }
  /** The event of the audit log; undefined: it is not recorded. */
  readonly eventOf: (event: E | IssuerEvent) => AuditEvent | undefined
  /** In whose share of the log an event counts that changes nothing; undefined: it is not recorded. */
  readonly shareOf: (event: E | IssuerEvent) => Share | undefined
  /** The event of refusals that were counted. */
  readonly countedEvent: (counted: Counted) => E
  /** Whether a restored backup would undo what the event says. Each such event advances the epoch. */
  readonly isUndoneByRestore: (event: E | IssuerEvent) => boolean
}
