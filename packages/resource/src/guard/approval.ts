import { headerValues } from '@countersign/httpsig'
import {
  type AAuthError,
  isDisplay,
  isWord,
  missingScope,
  type Operation,
  operationDigest,
} from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { AuthorizedCaller } from '@countersign/verify'
import type { DescribedCaller } from '../approval/describe.js'
import { NotShowable } from '../approval/not-showable.js'
import { shownRequest } from '../approval/shown-request.js'
import { refuseOverCalls } from './call-checks.js'
import type { Check } from './check.js'
import { signatureComponents } from './components.js'
import { asksApproval } from './conditions.js'
import { isJson } from './content-checks.js'
import { heldScope, type Refusal } from './decision.js'
import type { GuardedRequest, RequestFacts } from './guarded-request.js'

// The approval of single requests. @see protocol §9.4

/**
 * An approval is for one request: where none is needed it must not pass for an ordinary token, and is not used up. Before the level,
 * which such a route may not need. That it is for another operation shows by its digest alone.
 */
export const approvalOfAnother: Check<RequestFacts> = {
  name: 'approval of another',
  async refusal({ route, guard: { id }, verified: { caller } }) {
    if (caller.level !== 'authorized' || caller.token.operation_digest === undefined) return undefined
    const isPossible = asksApproval(caller, route, id) && missingScope(heldScope(caller), route.scope).length === 0
    if (isPossible) return undefined
    throw refusal('approval_of_another')
  },
}

/** A user has approved this very request, or is to be asked. After all that could refuse it: a request that would not pass is not described. */
export const approval: Check<GuardedRequest> = {
  name: 'approval',
  async refusal(request) {
    const { route, guard, verified } = request
    return asksApproval(verified.caller, route, guard.id) ? refuseUnapproved(request) : undefined
  },
}

async function refuseUnapproved(request: GuardedRequest): Promise<Refusal | undefined> {
  const { route, verified, guard } = request
  const { caller, opened } = verified
  // A delegate at a route without a scope: nobody can be asked for it.
  if (caller.level !== 'authorized')
    return { error: refusal('approval_needed', { code: 'policy_denied' }), ask: 'nothing' }
  if (route.level !== 'authorized') return { error: refusal('approval_impossible'), ask: 'nothing' }
  // The digest would bind bytes that nobody has compared with it; a use could not be told from the second.
  if (opened === undefined || !isWhole(request) || guard.replay.takeToken === undefined)
    return { error: refusal('approval_impossible'), ask: 'nothing' }
  checkCoding(request, opened.base)
  const { operation_digest } = caller.token
  // Before a user is asked for it, or it is described: a call that would not be let pass (`approval.calls`).
  const over = operation_digest === undefined ? await refuseOverCalls(request, 'look') : undefined
  if (over !== undefined) return over
  const operation = await operationOf(request, { caller, base: opened.base })
  if (operation_digest === operation.digest) return undefined
  // An approval of another request, or of what was described otherwise: a user would be asked again.
  const overNow = operation_digest === undefined ? undefined : await refuseOverCalls(request, 'look') // approval.calls
  if (overNow !== undefined) return overNow
  return { error: refusal('approval_needed'), ask: 'authorization', scope: route.scope, operation }
}

/** A coding that no signature covers could be added to the bytes that a user approved, and they would say something else (APR-19). */
function checkCoding({ message, route }: GuardedRequest, base: string): void {
  if (headerValues(message, 'content-encoding').length === 0 || /^"content-encoding": /m.test(base)) return
  throw refusal('component_not_covered', {
    about: 'content-encoding',
    required_components: signatureComponents(message, [...route.components, 'content-encoding']),
  })
}

/** Whether the body was read and compared with its digest. */
function isWhole({ message, route }: GuardedRequest): boolean {
  return route.body === 'whole' && message.dangerouslyUnseenBody !== true
}

/**
 * A request that a user cannot be shown as it is.
 * @param why constant words, or those of the operator
 */
function unshowable(why: string): AAuthError {
  return refusal('approval_unshowable', { about: why })
}

/** The operation that a request asks for, with its digest and what a user is shown. @throws AAuthError `policy_denied` */
async function operationOf(
  { message, route, call }: GuardedRequest,
  { caller, base }: { readonly caller: AuthorizedCaller; readonly base: string },
): Promise<Operation> {
  const { operation: name, describe, unshown, handling } = route
  // Of a tool, which the caller names: no auth server would take such a name.
  if (!isWord(name)) throw refusal('approval_impossible')
  const about = { unshown, isJson: isJson(message), operand: call?.operand, openFrom: handling?.openFrom }
  const shown = shownRequest(message, about)
  const display = await describedBy(async () => {
    const said = await describe?.(shown.described, of(caller))
    const hidden = shown.hiddenPart()
    // The page would say "Pay 5 to tea" of a payment of 5000 to another (approval.shown).
    if (hidden !== undefined) throw new NotShowable(`its ${hidden} holds something that the description leaves out`)
    return said
  })
  const digest = await operationDigest(base, display)
  return display === undefined ? { name, digest } : { name, digest, display }
}

/** Of what an application throws, nothing is said. */
const failed = 'its description could not be made; a member may be missing, or of another type'

/** What a user is shown. Nothing is cut or left out of it: the user would approve something else (APR-16). */
async function describedBy(describe: () => Promise<unknown>): Promise<readonly string[] | undefined> {
  let display: unknown
  try {
    display = await describe()
  } catch (thrown) {
    // Without its cause: an error may quote the request, and what is displayed stands in no log (APR-35).
    throw unshowable(thrown instanceof NotShowable ? thrown.message : failed)
  }
  if (display === undefined) return undefined
  if (!isDisplay(display)) throw unshowable('it is longer than 500 characters, or holds some that cannot be seen')
  return [...display]
}

/** The same user, agent and delegate when the approved request comes, whatever token it brings. */
function of({ agent, delegate, user }: AuthorizedCaller): DescribedCaller {
  return { agent, delegate, user: user && { iss: user.iss, sub: user.sub } }
}
