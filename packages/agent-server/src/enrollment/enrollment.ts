import { createHash } from 'node:crypto'
import type { ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, isSafeId } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import type { AgentServerEvent } from '../event.js'
import type { Tables } from '../tables.js'

/** A request to become a delegate. Its signature was verified under the new key; nothing else about it was. */
export interface EnrollmentRequest {
  /** The members of `enrollment`, as whoever asks sent them. */
  readonly members: Readonly<Record<string, unknown>>
  /** The whole message, e.g. for its cookies. */
  readonly message: ReceivedMessage
  /** RFC 7638 thumbprint of the new key. */
  readonly jkt: string
  /** The `delegate_token_endpoint` that was asked. */
  readonly endpoint: string
}

type Transaction = Store<Tables>['db']

/** Who a request may become a delegate as. */
export interface Admission {
  readonly sub: string
  /** What it came by: the name under which all that came by it can be revoked. */
  readonly enrollment: string
  /** What its operator calls it. */
  readonly label?: string
  /** An operator's own act: it lets a revoked delegate back in. Anything else does not. */
  readonly reinstates?: true
  /** Uses up the proof, in the transaction that makes the delegate. Throws when it was used before. */
  take?(tx: Transaction): Promise<void>
}

/** What a way to enrol may draw on. */
export interface EnrollmentContext {
  /** The agent identifier. */
  readonly id: string
  readonly store: Store<Tables>
  readonly now: () => number
  readonly development: boolean
  readonly onEvent: (event: AgentServerEvent) => void
}

/**
 * A way to enrol, made by `codes()`, `oidc()`, `session()` or `custom()`.
 * @see protocol §5 "Enrolment"
 */
export interface Enrollment {
  /** The `type` of the requests it answers. */
  readonly type: string
  /**
   * Called once by the agent server it is given to. What it returns decides each request: cheap checks before anything is
   * fetched, nothing remembered of one that is refused.
   */
  open(context: EnrollmentContext): (request: EnrollmentRequest) => Promise<Admission>
}

/** The ways to enrol by type. @throws TypeError when two have one type */
export function openEnrollments(
  enrollments: readonly Enrollment[],
  context: EnrollmentContext,
): ReadonlyMap<string, (request: EnrollmentRequest) => Promise<Admission>> {
  const byType = new Map(enrollments.map(enrollment => [enrollment.type, enrollment.open(context)]))
  if (byType.size !== enrollments.length) throw new TypeError('enrollment names two ways to enrol of one type')
  return byType
}

/** Bytes of a name: with its type it must fit into `sub` and be worth showing. */
const longestName = 512

/**
 * Names a delegate, or what it came by, within the type of its enrolment: one type never takes over what another made.
 * Two names stay two: one that is too long, or looks like what stands for one, is known by its hash.
 */
export function nameWithin(type: string, name: string): string {
  const full = `${type}:${name}`
  if (Buffer.byteLength(full) <= longestName && !name.startsWith('#')) return full
  return `${type}:#${createHash('sha256').update(name).digest('base64url')}`
}

/** As {@link nameWithin}, for a name that the operator's own code gives. @throws TypeError when no token could carry it */
export function ownNameWithin(type: string, name: string): string {
  const full = nameWithin(type, name)
  if (typeof name !== 'string' || name === '' || !isSafeId(full) || /\p{Cs}/u.test(name))
    throw new TypeError('the names an enrolment gives must be texts without controls')
  return full
}

/** Whatever is wrong with what was shown, and so that a guess learns nothing more than that. */
export function refusedEnrollment(description: string, cause?: unknown): AAuthError {
  return new AAuthError('invalid_grant', description, cause === undefined ? {} : { cause })
}
