import type { Also, Reporter } from '@countersign/audit/internal'
import type { Store } from '@countersign/store'
import { checkDelegation, type Delegation, type DelegationLimits } from '../delegation/delegation.js'
import { createInviter, type Invitation, type InvitationOptions } from '../enrollment/invitations.js'
import type { AgentServerEvent } from '../event.js'
import type { Tables } from '../tables.js'
import { longestLifetime, renewalGrace } from '../token-lifetime.js'
import type { Delegate, DelegatesPage, EnrollmentCount, EnrollmentsPage } from './delegate-list.js'
import type { Delegates } from './delegates.js'

/** What the operator of an agent server can do. */
export interface Oversight {
  /**
   * Makes a code that enrols one delegate once. An existing `sub` keeps its name and gets the new key.
   * @throws TypeError when no token could carry `sub` or `delegation`, `series` is not a valid name, or this server does not enrol by codes
   * @throws RangeError when `expiresIn` is not above 0
   */
  invite(invitation?: InvitationOptions): Promise<Invitation>
  /**
   * Ends the renewals of a delegate and deletes its unused codes; its tokens expire by themselves. False when there is none.
   * It can enrol again only after a new invitation for its `sub`, or `reinstate`.
   */
  revoke(sub: string): Promise<boolean>
  /**
   * Revokes all delegates that last enrolled by this enrolment, and deletes its unused codes and theirs. Resolves with the number
   * of delegates. They are revoked in parts: if it rejects, call it again. To prevent new enrolments, remove the rule of the OIDC
   * issuer, or end the user's session.
   * @throws TypeError for an empty name
   */
  revokeEnrollment(enrollment: string): Promise<number>
  /** Lets a revoked delegate enrol again, with a new key. False when it was not revoked. */
  reinstate(sub: string): Promise<boolean>
  /**
   * Deletes delegates that were not seen for so many seconds, except revoked ones; resolves with their number. They cannot renew
   * any more, and may enrol again. Where every run of a pipeline is a delegate, this keeps the list short.
   * @throws RangeError when it is less than 31 days: until then a delegate may renew
   */
  forget(unseenFor: number): Promise<number>
  /**
   * Sets what a delegate may be used for, and where; `null`: no conditions. It holds from the next renewal of the delegate, and no
   * later enrolment changes it, but an invitation that names a delegation. Tokens that it has keep theirs until they end. False
   * when there is no such delegate.
   * @throws TypeError for conditions or receivers that are wrong, or more than a token can carry
   * @see protocol §9
   */
  setDelegation(sub: string, delegation: Delegation | null): Promise<boolean>
  /**
   * Delegates in order of `sub`.
   * @throws RangeError when `limit` is not 1 to 1000
   */
  list(page?: DelegatesPage): Promise<Delegate[]>
  /** A delegate; undefined where there is none. */
  show(sub: string): Promise<Delegate | undefined>
  /**
   * Enrolments with delegates or unused codes, by name.
   * @throws RangeError when `limit` is not 1 to 1000
   */
  enrollments(page?: EnrollmentsPage): Promise<EnrollmentCount[]>
  /** An enrolment; undefined where it has neither delegates nor unused codes. */
  enrollment(name: string): Promise<EnrollmentCount | undefined>
}

/** As long as the random names that invitations make. */
const anySub = '00000000-0000-4000-8000-000000000000'

/** Seconds for which an unseen delegate may still hold an agent token that renews itself. */
const leastUnseen = longestLifetime + renewalGrace

/** Creates the acts of the operator; each is an event. */
export function oversight(parts: {
  readonly store: Store<Tables>
  readonly delegates: Delegates
  readonly takesCodes: boolean
  /** @throws TypeError when no token could carry them */
  readonly checkIssuable: (delegate: {
    readonly sub: string
    readonly delegation?: Delegation | undefined
  }) => Promise<void>
  readonly delegations: DelegationLimits
  readonly now: () => number
  readonly report: Reporter<AgentServerEvent>
}): Oversight {
  const { delegates, report, delegations } = parts
  const within =
    (event: AgentServerEvent): Also =>
    tx =>
      report.within(tx, event)
  const invite = createInviter(parts.store, parts.now, delegations)
  return {
    async invite(options = {}) {
      if (!parts.takesCodes) throw new TypeError('an invitation needs codes() in the option enrollment')
      const { sub, delegation } = options
      if (sub !== undefined || delegation !== undefined)
        await parts.checkIssuable({
          sub: sub ?? anySub,
          delegation: delegation && checkDelegation(delegation, delegations),
        })
      return invite(options, (tx, invitation) =>
        report.within(tx, { type: 'invited', sub: invitation.sub, enrollment: invitation.enrollment }),
      )
    },
    revoke: async sub => delegates.revoke(sub, within({ type: 'revoked', sub })),
    async revokeEnrollment(enrollment) {
      // Delegates of earlier versions have an empty enrolment: a variable that is not set must not revoke them all.
      if (enrollment === '') throw new TypeError('enrollment must not be empty')
      const revoked = await delegates.revokeEnrollment(enrollment, tx =>
        report.record(tx, { type: 'enrollment_revoked', enrollment }),
      )
      report.tell({ type: 'enrollment_revoked', enrollment, delegates: revoked })
      return revoked
    },
    reinstate: async sub => delegates.reinstate(sub, within({ type: 'reinstated', sub })),
    async forget(unseenFor) {
      if (!(unseenFor >= leastUnseen && Number.isFinite(unseenFor)))
        throw new RangeError('unseenFor must be at least 31 days, in seconds: until then a delegate may renew')
      const unseen_since = Math.floor(parts.now() - unseenFor)
      const forgotten = await delegates.forget(unseenFor, tx => report.record(tx, { type: 'forgotten', unseen_since }))
      report.tell({ type: 'forgotten', delegates: forgotten })
      return forgotten
    },
    async setDelegation(sub, delegation) {
      const checked = delegation === null ? undefined : checkDelegation(delegation, delegations)
      await parts.checkIssuable({ sub, delegation: checked })
      return delegates.setDelegation(sub, checked, within({ type: 'delegation_set', sub }))
    },
    list: async (page = {}) => delegates.list(page),
    show: sub => delegates.show(sub),
    enrollment: name => delegates.enrollment(name),
    enrollments: async (page = {}) => delegates.enrollments(page),
  }
}
