import { type Conditions, conditionsOf, firstUnmet, type JudgedType, unmetError } from '@countersign/conditions'
import type { Caller } from '@countersign/verify'
import type { Refusal } from './decision.js'
import type { Route } from './requirement.js'

/** The conditions that a caller brings: `constraints` of its auth token, or `delegation` of its agent token. @see protocol §9 */
export function conditionsIn(caller: Caller): Conditions | undefined {
  if (caller.level === 'authorized') return caller.constraints
  return caller.level === 'identified' ? caller.delegation : undefined
}

const beforeChallenge: readonly JudgedType[] = ['until', 'hours', 'resources', 'scopes']

/** Where and when a resource token is asked for. */
export interface Asked {
  /** The identifier of the resource. */
  readonly id: string
  readonly now: () => number
  readonly scope: readonly string[]
}

/**
 * Why a delegate gets no resource token: its policy lets it ask for no such scope here and now. The other conditions are for the auth
 * server, and for the request with the token.
 * @see protocol §9.1 (`policy.delegates`)
 */
export function refuseAsking(caller: Caller, { id, now, scope }: Asked): Refusal | undefined {
  if (caller.level !== 'identified' || caller.delegation === undefined) return undefined
  const facts = { now: now(), resource: id, scope, levels: 0, services: [] }
  const unmet = firstUnmet(caller.delegation, facts, beforeChallenge)
  return unmet && { error: unmetError(unmet, 'policy_denied'), ask: 'nothing' }
}

/** Whether a user approves each request of this route by this caller: the route says so, or a condition. @see protocol §9.4 */
export function asksApproval(caller: Caller, { approve, operation }: Route, id: string): boolean {
  if (approve) return true
  const conditions = conditionsIn(caller)
  if (operation === undefined || conditions === undefined) return false
  return conditionsOf(conditions, 'approval', id).some(({ of }) => of === '*' || of.includes(operation))
}
