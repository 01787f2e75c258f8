import { isListed } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { approvalOfAnother } from './approval.js'
import type { Check } from './check.js'
import { signatureComponents } from './components.js'
import { refuseAsking } from './conditions.js'
import { blocked, decideLevelAndScope, type Refusal } from './decision.js'
import { isDenied, isUserAmong } from './deny.js'
import type { RequestFacts } from './guarded-request.js'
import type { Route } from './requirement.js'

// Checks of the verified facts of a caller: a repeated request gets the same verdict.

/** A token without `agent` was issued to its audience for a sign-in. It does not let an agent call this resource. */
const mandate: Check<RequestFacts> = {
  name: 'mandate',
  async refusal({ verified: { caller }, guard }) {
    if (guard.ownAgent === 'refused' && caller.level === 'authorized' && caller.token.agent === undefined)
      throw refusal('token_claim_missing', {
        code: 'invalid_auth_token',
        about: 'agent, since this resource is not the agent',
      })
    return undefined
  },
}

/** Before any challenge: a caller who is denied gets no token to look for a way round (AUT-23, RAT-04). */
export const deny: Check<Pick<RequestFacts, 'route' | 'aauth'>> = {
  name: 'deny',
  async refusal({ route, aauth }) {
    if (route.deny.length > 0) return refuseDenied(route, aauth)
    return isOtherUser(route, aauth) ? blocked() : undefined
  },
}

async function refuseDenied(route: Route, aauth: RequestFacts['aauth']): Promise<Refusal | undefined> {
  return (await isDenied(route.deny, aauth)) || isOtherUser(route, aauth) ? blocked() : undefined
}

/** Whether the user of a request is known and is none of those that the route lets in. */
function isOtherUser({ users }: Route, aauth: RequestFacts['aauth']): boolean {
  if (users === undefined) return false
  const isUserKnown = aauth.level === 'authorized' || aauth.credential === 'bearer'
  return isUserKnown && !isUserAmong(users, aauth)
}

/** Before any resource token is minted: an agent that is not let in gets none to look for a way round (RAT-04). */
const agents: Check<RequestFacts> = {
  name: 'agents',
  async refusal({ verified: { caller }, route }) {
    if (!('agent' in caller) || route.agents === 'any') return undefined
    return refuseUnlisted(route, caller.agent)
  },
}

async function refuseUnlisted(route: Route, agent: string): Promise<Refusal | undefined> {
  if (await isListed(route.agents, agent)) return undefined
  return {
    error: refusal('caller_denied'),
    ask: 'nothing',
  }
}

const levelAndScope: Check<RequestFacts> = {
  name: 'level and scope',
  async refusal({ message, route, guard, verified: { caller } }) {
    const decided = decideLevelAndScope(caller, route)
    if (decided?.ask === 'authorization') {
      const { id, now } = guard
      return refuseAsking(caller, { id, now, scope: decided.scope ?? [] }) ?? decided
    }
    if (decided?.error.reason !== 'signature_missing') return decided
    // An unsigned caller is told all that it has to cover, so that its next request can be right.
    const required_components = signatureComponents(message, route.components)
    return { ...decided, error: refusal('signature_missing', { required_components }) }
  },
}

const via: Check<RequestFacts> = {
  name: 'via',
  refusal: async ({ route, aauth }) => (route.via === undefined ? undefined : refuseOtherWay(route.via, aauth)),
}

/** One of these services must stand between the agent that was let in first and this resource. */
async function refuseOtherWay(
  services: readonly string[],
  { agent, chain }: RequestFacts['aauth'],
): Promise<Refusal | undefined> {
  const hops = [agent, ...chain.map(actor => actor.agent)].slice(0, -1)
  const verdicts = await Promise.all(hops.map(hop => hop !== undefined && isListed(services, hop)))
  if (verdicts.includes(true)) return undefined
  return {
    error: refusal('via_missing'),
    ask: 'nothing',
  }
}

/** The checks of facts, in order: a denied caller is refused before it learns what is missing. */
export const factChecks: ReadonlyArray<Check<RequestFacts>> = [
  mandate,
  deny,
  agents,
  approvalOfAnother,
  levelAndScope,
  via,
]
