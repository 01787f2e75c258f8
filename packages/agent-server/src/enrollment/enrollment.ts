import { createHash } from 'node:crypto'
import type { ReceivedMessage } from '@countersign/httpsig'
import { isSafeId } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import type { Delegation, DelegationLimits } from '../delegation/delegation.js'
import type { AgentServerEvent } from '../event.js'
import type { Tables } from '../tables.js'

/** A request to become a delegate. Only its signature by the new key was verified. */
export interface EnrollmentRequest {
  /** The members of `enrollment`, as the caller sent them. */
  readonly members: Readonly<Record<string, unknown>>
  /** The whole message, e.g. for its cookies. */
  readonly message: ReceivedMessage
  /** RFC 7638 thumbprint of the new key. */
  readonly jkt: string
  /** The `delegate_token_endpoint`. */
  readonly endpoint: string
}

/** The delegate that the key of a request may become. */
export interface Admission {
  readonly sub: string
  /** Names how it enrolled; all delegates of one name can be revoked together. */
  readonly enrollment: string
  /** The operator's name for it. */
  readonly label?: string | undefined
  /** Whether a revoked delegate may enrol: only by an act of the operator. */
  readonly reinstates?: true
  /** What it may be used for. Undefined: no conditions; for an act of the operator, those that the delegate has. */
  readonly delegation?: Delegation | undefined
  /** Marks the proof as used, in the transaction that makes the delegate. Throws when it was used before. */
  take?(tx: Transaction<Tables>): Promise<void>
}

/** What an enrolment type may use. */
export interface EnrollmentContext {
  /** The agent identifier. */
  readonly id: string
  readonly store: Store<Tables>
  readonly now: () => number
  readonly development: boolean
  /** What each delegation must keep to. */
  readonly delegations: DelegationLimits
  readonly onEvent: (event: AgentServerEvent) => void
}

/**
 * An enrolment type, made by `codes()`, `oidc()`, `session()` or `custom()`.
 * @see protocol §5 "Enrolment"
 */
export interface Enrollment {
  /** The `type` of its requests. */
  readonly type: string
  /**
   * Called once, by the agent server. The returned function decides each request. It does cheap checks before it fetches anything,
   * and remembers nothing of a refused request.
   * @internal
   */
  open(context: EnrollmentContext): (request: EnrollmentRequest) => Promise<Admission>
}

/** Opens the enrolment types. @throws TypeError when two have the same type */
export function openEnrollments(
  enrollments: readonly Enrollment[],
  context: EnrollmentContext,
): ReadonlyMap<string, (request: EnrollmentRequest) => Promise<Admission>> {
  const byType = new Map(enrollments.map(enrollment => [enrollment.type, enrollment.open(context)]))
  if (byType.size !== enrollments.length) throw new TypeError('enrollment has one type twice')
  return byType
}

/** Bytes of a name with its type: it must fit into `sub`. */
const longestName = 512

/**
 * Puts the type of an enrolment before a name, so that one type cannot take over a delegate of another. Different names stay
 * different: a name that is too long, or that begins like a hash, is replaced by its hash.
 */
export function qualifyName(type: string, name: string): string {
  const full = `${type}:${name}`
  if (Buffer.byteLength(full) <= longestName && !name.startsWith('#')) return full
  return `${type}:#${createHash('sha256').update(name).digest('base64url')}`
}

/** As {@link qualifyName}, for a name from the operator's own code. @throws TypeError when no token could carry it */
export function qualifyOwnName(type: string, name: string): string {
  const full = qualifyName(type, name)
  if (typeof name !== 'string' || name === '' || !isSafeId(full) || /\p{Cs}/u.test(name))
    throw new TypeError('the names of an enrolment must be strings without control characters')
  return full
}
