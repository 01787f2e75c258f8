import type { Check } from './check.js'
import { askFor, type Refusal } from './decision.js'
import { deny, factChecks } from './fact-checks.js'
import type { GuardedRequest } from './guarded-request.js'
import { limits, replay } from './limit-checks.js'
import type { Policy } from './requirement.js'

const policy: Check<GuardedRequest> = {
  name: 'policy',
  refusal: request => (request.route.policy === undefined ? undefined : askPolicy(request.route.policy, request)),
}

async function askPolicy(decide: Policy, { aauth, route }: GuardedRequest): Promise<Refusal | undefined> {
  const verdict = await decide(aauth)
  return verdict === true ? undefined : askFor(verdict, aauth.level, route)
}

/**
 * The checks of a request that was verified by its signature, or that has none, in order. What one of the first refuses is not counted
 * and may come again.
 * @see protocol §4
 */
export const signedChecks: ReadonlyArray<Check<GuardedRequest>> = [...factChecks, limits, policy, replay]

/** The checks of a request with a bearer token, whose scope was judged with it. A bearer token proves no request: it may come again. */
export const bearerChecks: ReadonlyArray<Check<GuardedRequest>> = [deny, limits, policy]
