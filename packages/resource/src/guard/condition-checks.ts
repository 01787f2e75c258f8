import { type Conditions, conditionsOf, firstUnmet, type JudgedFacts, unmetError } from '@countersign/conditions'
import { headerValues } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { foldedName, refusal } from '@countersign/protocol/internal'
import type { Check } from './check.js'
import { conditionsIn } from './conditions.js'
import type { Refusal } from './decision.js'
import type { RequestFacts } from './guarded-request.js'
import { isUnsafe } from './unsafe.js'

// Checks of the conditions that a token brings. Not on the head alone: the hour may change until the body is here.

/** Time, place, scopes, purposes and chain: what needs neither the body nor a counter. */
const conditions: Check<RequestFacts> = {
  name: 'conditions',
  async refusal(request) {
    const held = conditionsIn(request.verified.caller)
    if (held === undefined) return undefined
    const unmet = firstUnmet(held, judgedFacts(request))
    return unmet && final(unmetError(unmet, 'policy_denied'))
  },
}

/** What the conditions of a request are judged by. */
function judgedFacts({ route, verified: { caller }, aauth, guard: { id, now } }: RequestFacts): JudgedFacts {
  const isAuthorized = caller.level === 'authorized'
  const hops = [aauth.agent, ...aauth.chain.map(actor => actor.agent)].filter(agent => agent !== undefined)
  return {
    now: now(),
    resource: id,
    scope: isAuthorized && route.level === 'authorized' ? route.scope : [],
    purposes: isAuthorized ? caller.purposes : undefined,
    levels: aauth.chain.length,
    services: aauth.chain.length === 0 ? [] : hops.slice(0, -1),
  }
}

/** A route for some purposes is closed to a token for one more: what it reads could serve that one. */
const purposes: Check<RequestFacts> = {
  name: 'purposes',
  async refusal({ route, aauth }) {
    if (route.purposes === undefined) return undefined
    const { purposes: held = [] } = aauth
    if (held.length > 0 && held.every(name => route.purposes?.includes(name))) return undefined
    return final(unmetError({ type: 'purposes', any: route.purposes }, 'policy_denied'))
  },
}

/**
 * Refuses sockets, on which no single call is judged, and, under `arguments` and `approval`, requests that change something and have no
 * name: they lead round both (`policy.streams`, `policy.arguments`).
 */
const singleCalls: Check<RequestFacts> = {
  name: 'single calls',
  async refusal(request) {
    const { message, route, guard, verified } = request
    const held = conditionsIn(verified.caller)
    if (held === undefined) return undefined
    const named = guardedByName(held, guard.id)
    if (headerValues(message, 'upgrade').length > 0 && (named || looksAtCalls(held, guard.id)))
      return final(refusal('condition_upgrade'))
    if (!named) return undefined
    if (route.operation !== undefined) return misspelt(held, { id: guard.id, operation: route.operation })
    if (!isUnsafe(message, route)) return undefined
    return final(refusal('operation_unnamed'))
  },
}

function guardedByName(held: Conditions, id: string): boolean {
  return conditionsOf(held, 'arguments', id).length > 0 || conditionsOf(held, 'approval', id).length > 0
}

/** A server that folds names would run `SEND_EMAIL` as the operation that a condition is for, and none would judge it. */
function misspelt(held: Conditions, o: { readonly id: string; readonly operation: string }): Refusal | undefined {
  const names = [
    ...conditionsOf(held, 'arguments', o.id).map(({ of }) => of),
    ...conditionsOf(held, 'approval', o.id).flatMap(({ of }) => (of === '*' ? [] : of)),
  ]
  const folded = foldedName(o.operation)
  if (names.every(name => name === o.operation || foldedName(name) !== folded)) return undefined
  return final(refusal('operation_misspelt'))
}

function looksAtCalls(held: Conditions, id: string): boolean {
  return conditionsOf(held, 'calls').length > 0 || conditionsOf(held, 'data', id).length > 0
}

/** Final: no challenge would help. */
function final(error: AAuthError): Refusal {
  return { error, ask: 'nothing' }
}

/** The checks of conditions by facts, in order. `data` and `arguments` come after these. @see protocol §9.3 */
export const conditionChecks: ReadonlyArray<Check<RequestFacts>> = [conditions, purposes, singleCalls]
