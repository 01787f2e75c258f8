import { AAuthError, isListed } from '@countersign/protocol'
import type { Caller, Verified } from '@countersign/verify'
import type { AAuth } from './aauth.js'
import { blocked, decide, type Refusal } from './decision.js'
import { isDenied, isUserAmong } from './deny.js'
import type { Route } from './requirement.js'

/** What decides beside the route. */
export interface RefusingContext {
  /** Whether the resource is itself an agent whose own tokens count. */
  readonly ownAgent: 'accepted' | 'refused'
}

/**
 * Why a route refuses a verified caller, whatever it asks for and however often: who is denied, level, agents, scope, services.
 * @throws AAuthError for a token that is no mandate of an agent
 */
export async function refusedByFacts(
  { verified: { caller }, aauth }: { readonly verified: Verified; aauth(): AAuth },
  route: Route,
  { ownAgent }: RefusingContext,
): Promise<Refusal | undefined> {
  if (ownAgent === 'refused') refuseSelfToken(caller)
  const isOpen = route.deny.length === 0 && route.users === undefined
  const denied = isOpen ? undefined : await refusedAsCaller(aauth(), route)
  if (denied !== undefined) return denied
  const admitted = !('agent' in caller) || route.agents === 'any' || (await isListed(route.agents, caller.agent))
  const refusal = decide(caller, route, admitted)
  if (refusal !== undefined) return refusal
  if (route.via === undefined || (await cameThrough(route.via, aauth()))) return undefined
  return {
    error: new AAuthError('policy_denied', 'the request has not come through a service that this resource asks for'),
    ask: 'nothing',
  }
}

/** Whether the same facts are always refused: none of the lists is a function. */
export function isFixed({ agents, deny }: Route): boolean {
  return typeof agents !== 'function' && deny.every(rule => typeof rule !== 'function')
}

/** A token without `agent` is for its audience as the agent: a sign-in, no mandate of an agent to call this resource. */
function refuseSelfToken(caller: Caller): void {
  if (caller.level === 'authorized' && caller.token.agent === undefined)
    throw new AAuthError('invalid_auth_token', 'agent is missing: this resource is not the agent')
}

/** Before any challenge: who is blocked gets no token to look for a way round (AUT-23, RAT-04). */
export async function refusedAsCaller(aauth: AAuth, { deny, users }: Route): Promise<Refusal | undefined> {
  if (deny.length > 0 && (await isDenied(deny, aauth))) return blocked()
  const isUserKnown = aauth.level === 'authorized' || aauth.credential === 'bearer'
  return users !== undefined && isUserKnown && !isUserAmong(users, aauth) ? blocked() : undefined
}

/** Whether one of these services stands between the agent that was let in first and this resource. */
async function cameThrough(via: readonly string[], { agent, chain }: AAuth): Promise<boolean> {
  const hops = [agent, ...chain.map(actor => actor.agent)].slice(0, -1)
  const verdicts = await Promise.all(hops.map(hop => hop !== undefined && isListed(via, hop)))
  return verdicts.includes(true)
}
