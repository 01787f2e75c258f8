import type { FaultRecord, Record } from '../history.js'
import { ofType } from '../history.js'

// What an invariant is judged by.

/** A grant as the auth server's database has it after the run. */
export interface KeptGrant {
  /** SHA-256 of the refresh token. */
  readonly refresh: string
  /** `purpose`, by which clients name an attempt. */
  readonly tag: string | null
  /** `grant` of its tokens. */
  readonly grant: string
}

/** An event of the auth server's audit log. */
export interface AuditedEvent {
  readonly type: string
  readonly grant: string | undefined
  /** `jti` of the token that it tells of. */
  readonly token: string | undefined
}

/** What was read after the run, with every fault healed. */
export interface FinalReads {
  readonly grants: readonly KeptGrant[]
  /** `issuer kid` of every published key. */
  readonly keys: ReadonlySet<string>
  readonly audit: { readonly verified: boolean; readonly report: string; readonly events: readonly AuditedEvent[] }
}

/** What the servers promise, in milliseconds and requests. */
export interface Promises {
  /** No request takes longer, but where a fault is silent. */
  readonly deadline: number
  /** An ended grant is refused everywhere so long after its end was acknowledged, or after the last fault was healed. */
  readonly revocation: number
  /** The same where an agent gave it back: of these an auth server tells a few a minute, and the token ends by itself. */
  readonly givenBack: number
  /** Every flow works again so long after a fault was healed. */
  readonly recovery: number
  /** `max` of the condition `calls` of `/metered`, a minute. */
  readonly metered: number
  /** The limit of `/limited`, a minute. */
  readonly limited: number
  /** Gateways that count by themselves while Redis is away. */
  readonly instances: number
}

/** The time in which a fault lasted. */
export interface FaultSpan {
  readonly fault: string
  readonly round: number
  readonly begin: number
  /** Infinity where it was never healed. */
  readonly end: number
}

/** All that the checker judges by. */
export interface Evidence {
  readonly records: readonly Record[]
  readonly reads: FinalReads
  readonly promises: Promises
  /** Faults under which a request may wait for its client's own deadline. */
  readonly silent: ReadonlySet<string>
  /** The issuer whose audit log was read. */
  readonly audited: string
}

/** What must hold, and where it did not. */
export interface Invariant {
  readonly name: string
  readonly rule: string
  /** One sentence for each violation; none where it holds. */
  violations(evidence: Evidence): string[]
}

/** When faults lasted, in the order in which they began. */
export function faultSpans(records: readonly Record[]): FaultSpan[] {
  const faults = ofType(records, 'fault')
  const healed = ({ fault, round }: FaultRecord): number =>
    faults.find(other => other.phase === 'heal' && other.fault === fault && other.round === round)?.at ??
    Number.POSITIVE_INFINITY
  return faults
    .filter(({ phase }) => phase === 'apply')
    .map(fault => ({ fault: fault.fault, round: fault.round, begin: fault.at, end: healed(fault) }))
}

/** The faults that lasted at some moment between two. */
export function faultsBetween(records: readonly Record[], begin: number, end: number): FaultSpan[] {
  return faultSpans(records).filter(span => span.begin <= end && span.end >= begin)
}

/** Groups values by a name. */
export function groupBy<T>(values: readonly T[], nameOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const name = nameOf(value)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [value])
    else group.push(value)
  }
  return groups
}
