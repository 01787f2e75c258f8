import type { Store } from '@countersign/store'
import { type Invitation, type InvitationOptions, inviter } from '../enrollment/invitations.js'
import type { AgentServerEvent } from '../event.js'
import type { Tables } from '../tables.js'
import { longestLifetime, renewalGrace } from '../token-lifetime.js'
import type { Delegate, Delegates, DelegatesPage } from './delegates.js'

/** What an operator does at an agent server. */
export interface Oversight {
  /**
   * Makes a code that enrols one delegate once. A `sub` that exists keeps its name and gets the new key.
   * @throws TypeError when no token could carry `sub`, `series` is no name, or this server does not enrol by codes;
   * RangeError when `expiresIn` is not above 0
   */
  invite(invitation?: InvitationOptions): Promise<Invitation>
  /**
   * Ends a delegate's renewals and its unused codes; tokens it holds end by themselves. False when there was none.
   * It cannot enrol again by itself: a new invitation for its `sub`, or `reinstate`, lets it.
   */
  revoke(sub: string): Promise<boolean>
  /**
   * Revokes every delegate that last enrolled by this, its unused codes and the delegates'; answers how many delegates. They
   * are many perhaps, and revoked one part after another: when it rejects, ask again.
   * What would come of it anew is stopped at its source: the rule of an OIDC issuer, the user's session.
   * @throws TypeError for an empty name, which names nothing
   */
  revokeEnrollment(enrollment: string): Promise<number>
  /** Lets a revoked delegate enrol again in whichever way it may; the key it had stays refused. False when it was not revoked. */
  reinstate(sub: string): Promise<boolean>
  /**
   * Forgets delegates that were not seen for so many seconds, but revoked ones; answers how many. They could renew no more, and
   * enrol again as before. Where every run of a pipeline is a delegate, this keeps the list as long as it is of use.
   * @throws RangeError when it is less than 31 days: until then a delegate may renew
   */
  forget(unseenFor: number): Promise<number>
  /**
   * Delegates in order of `sub`.
   * @throws RangeError when `limit` is not 1 to 1000
   */
  list(page?: DelegatesPage): Promise<Delegate[]>
}

/** Seconds for which a delegate that was not seen may still hold an agent token that renews itself. */
const leastUnseen = longestLifetime + renewalGrace

/** Acts of an operator, each an event. */
export function oversight(parts: {
  readonly store: Store<Tables>
  readonly delegates: Delegates
  readonly takesCodes: boolean
  /** @throws TypeError when no token could carry it */
  readonly checkSub: (sub: string) => Promise<void>
  readonly now: () => number
  readonly onEvent: (event: AgentServerEvent) => void
}): Oversight {
  const { delegates, onEvent } = parts
  const invite = inviter(parts.store, parts.now)
  return {
    async invite(options = {}) {
      if (!parts.takesCodes) throw new TypeError('an invitation needs codes() among the ways to enrol')
      if (options.sub !== undefined) await parts.checkSub(options.sub)
      const invitation = await invite(options)
      onEvent({ type: 'invited', sub: invitation.sub, enrollment: invitation.enrollment })
      return invitation
    },
    async revoke(sub) {
      const revoked = await delegates.revoke(sub)
      if (revoked) onEvent({ type: 'revoked', sub })
      return revoked
    },
    async revokeEnrollment(enrollment) {
      // Those that enrolled before it was noted by what: a variable that was not set must not end them all.
      if (enrollment === '') throw new TypeError('enrollment must name what the delegates came by')
      const revoked = await delegates.revokeEnrollment(enrollment)
      onEvent({ type: 'enrollment-revoked', enrollment, delegates: revoked })
      return revoked
    },
    async reinstate(sub) {
      const reinstated = await delegates.reinstate(sub)
      if (reinstated) onEvent({ type: 'reinstated', sub })
      return reinstated
    },
    async forget(unseenFor) {
      if (!(unseenFor >= leastUnseen && Number.isFinite(unseenFor)))
        throw new RangeError('unseenFor must be at least 31 days, in seconds: until then a delegate may renew')
      const forgotten = await delegates.forget(unseenFor)
      onEvent({ type: 'forgotten', delegates: forgotten })
      return forgotten
    },
    list: async (page = {}) => delegates.list(page),
  }
}
