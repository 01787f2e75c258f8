import { refuseRevoked } from '../revocation/revoked.js'
import { approval } from './approval.js'
import { calls } from './call-checks.js'
import type { Check } from './check.js'
import { conditionChecks } from './condition-checks.js'
import { data, operands } from './content-checks.js'
import { askFor, type Refusal } from './decision.js'
import { deny, factChecks } from './fact-checks.js'
import type { GuardedRequest } from './guarded-request.js'
import { approvalOnce, limits, replay } from './limit-checks.js'
import type { Policy } from './requirement.js'

const policy: Check<GuardedRequest> = {
  name: 'policy',
  refusal: async request => (request.route.policy === undefined ? undefined : askPolicy(request.route.policy, request)),
}

/** First of all: a grant that has ended opens nothing, not even a challenge for more scope. */
const revoked: Check<GuardedRequest> = {
  name: 'revoked',
  refusal: async ({ guard: { revocations }, verified }) =>
    revocations === undefined ? undefined : refuseRevoked(verified.caller, revocations),
}

/** Redeems the interaction code of a request. A wrong one refuses, and must use up neither an approval nor a call. */
const interaction: Check<GuardedRequest> = {
  name: 'interaction',
  refusal: async ({ guard: { downstream, mode }, message, verified }) =>
    mode === 'observe' ? undefined : downstream?.accept(message, verified).then(() => undefined),
}

async function askPolicy(decide: Policy, { aauth, route }: GuardedRequest): Promise<Refusal | undefined> {
  const verdict = await decide(aauth)
  return verdict === true ? undefined : askFor(verdict, aauth.level, route)
}

/**
 * The checks of a signed or unsigned request by its head, in order: a body is not read for a caller that may not send it.
 * @see protocol §3.3
 */
export const headChecks: ReadonlyArray<Check<GuardedRequest>> = [revoked, ...factChecks, ...conditionChecks]

/**
 * What may change while a body arrives, judged again at its last byte: a grant ends, or an hour does. A request that is sent slowly must
 * not outlive them.
 */
const lastByteChecks: ReadonlyArray<Check<GuardedRequest>> = [revoked, ...conditionChecks]

/** The checks of a bearer request, or a bot's, by its head. The scope of a bearer token was checked with the token. */
export const otherHeadChecks: ReadonlyArray<Check<GuardedRequest>> = [deny]

/**
 * The checks of a whole request, in order. What one of the first refuses is not counted and may come again.
 * @see protocol §4
 */
export const signedChecks: ReadonlyArray<Check<GuardedRequest>> = [
  data,
  operands,
  limits,
  policy,
  approval,
  replay,
  interaction,
  approvalOnce,
  calls,
]

const lateSignedChecks: ReadonlyArray<Check<GuardedRequest>> = [...lastByteChecks, ...signedChecks]

/** The checks of a bearer request. It signs no request, so replays cannot be detected. */
export const bearerChecks: ReadonlyArray<Check<GuardedRequest>> = [limits, policy]

/** The checks of a bot's request. Its signature is remembered where it can be told from the bot's next one. */
export const botChecks: ReadonlyArray<Check<GuardedRequest>> = [limits, policy, replay]

type Credential = Pick<GuardedRequest, 'bearer' | 'bot'>

/** The checks of a head, by the credential that it is judged by. */
export function headChecksOf({ bearer, bot }: Credential): ReadonlyArray<Check<GuardedRequest>> {
  return bearer === undefined && bot === undefined ? headChecks : otherHeadChecks
}

/**
 * The checks of a whole request, by the credential that it is judged by.
 * @param body whether it arrived after the head was judged
 */
export function checksOf(
  { bearer, bot }: Credential,
  { body }: { readonly body: 'late' | 'here' },
): ReadonlyArray<Check<GuardedRequest>> {
  if (bearer !== undefined) return bearerChecks
  if (bot !== undefined) return botChecks
  return body === 'late' ? lateSignedChecks : signedChecks
}
