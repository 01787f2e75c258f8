import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { pathOf, queryOf } from '@countersign/httpsig/internal'
import { AAuthError, isDisplay, isWord, missingScope, type Operation, operationDigest } from '@countersign/protocol'
import { parseJson } from '@countersign/protocol/internal'
import type { AuthorizedCaller } from '@countersign/verify'
import type { DescribedCaller, DescribedRequest } from '../approval/describe.js'
import { refuseOverCalls } from './call-checks.js'
import type { Check } from './check.js'
import { signatureComponents } from './components.js'
import { asksApproval } from './conditions.js'
import { heldScope, type Refusal } from './decision.js'
import type { GuardedRequest, RequestFacts } from './guarded-request.js'

// The approval of single requests. @see protocol §9.4

/**
 * An approval is for one operation: at a route that asks none it must not pass for an ordinary token, and is not used up. Before the
 * level, which such a route may not need.
 */
export const approvalOfAnother: Check<RequestFacts> = {
  name: 'approval of another',
  refusal({ route, guard: { id }, verified: { caller } }) {
    if (caller.level !== 'authorized' || caller.token.operation_digest === undefined) return undefined
    const isPossible = asksApproval(caller, route, id) && missingScope(heldScope(caller), route.scope).length === 0
    if (isPossible) return undefined
    throw new AAuthError('invalid_auth_token', 'the auth token approves another request', {
      reason: 'approval_of_another',
    })
  },
}

/** A user has approved this very request, or is to be asked. After all that could refuse it: a request that would not pass is not described. */
export const approval: Check<GuardedRequest> = {
  name: 'approval',
  refusal(request) {
    const { route, guard, verified } = request
    return asksApproval(verified.caller, route, guard.id) ? refuseUnapproved(request) : undefined
  },
}

async function refuseUnapproved(request: GuardedRequest): Promise<Refusal | undefined> {
  const { route, verified, guard } = request
  const { caller, opened } = verified
  // A delegate at a route without a scope: nobody can be asked for it.
  if (caller.level !== 'authorized') return { error: unapproved('policy_denied'), ask: 'nothing' }
  if (route.level !== 'authorized') return { error: impossible(), ask: 'nothing' }
  // The digest would bind bytes that nobody has compared with it; a use could not be told from the second.
  if (opened === undefined || !isWhole(request) || guard.replay.takeToken === undefined)
    return { error: impossible(), ask: 'nothing' }
  checkCoding(request, opened.base)
  const { operation_digest } = caller.token
  // Before a user is asked for it, or it is described: a call that would not be let pass (`approval.calls`).
  const over = operation_digest === undefined ? await refuseOverCalls(request, 'look') : undefined
  if (over !== undefined) return over
  const operation = await operationOf(request, { caller, base: opened.base })
  if (operation_digest === operation.digest) return undefined
  // An approval of what was described otherwise: a user would be asked again.
  const overNow = operation_digest === undefined ? undefined : await refuseOverCalls(request, 'look') // approval.calls
  if (overNow !== undefined) return overNow
  return { error: unapproved('insufficient_level'), ask: 'authorization', scope: route.scope, operation }
}

/** A coding that no signature covers could be added to the bytes that a user approved, and they would say something else (APR-19). */
function checkCoding({ message, route }: GuardedRequest, base: string): void {
  if (headerValues(message, 'content-encoding').length === 0 || /^"content-encoding": /m.test(base)) return
  throw new AAuthError('invalid_signature', 'the signature must cover content-encoding, which a user approves', {
    reason: 'component_not_covered',
    required_components: signatureComponents(message, [...route.components, 'content-encoding']),
  })
}

/** Whether the body was read and compared with its digest. */
function isWhole({ message, route }: GuardedRequest): boolean {
  return route.body === 'whole' && message.dangerouslyUnseenBody !== true
}

function unapproved(code: 'insufficient_level' | 'policy_denied'): AAuthError {
  return new AAuthError(code, 'a user must approve this very request', { reason: 'approval_needed' })
}

function impossible(): AAuthError {
  return new AAuthError('policy_denied', 'this request needs an approval, and no user can be asked for it', {
    reason: 'approval_impossible',
  })
}

/** The operation that a request asks for, with its digest and what a user is shown. @throws AAuthError `policy_denied` */
async function operationOf(
  { message, route, call }: GuardedRequest,
  { caller, base }: { readonly caller: AuthorizedCaller; readonly base: string },
): Promise<Operation> {
  const { operation: name, describe } = route
  // Of a tool, which the caller names: no auth server would take such a name.
  if (!isWord(name)) throw impossible()
  const display =
    describe === undefined ? undefined : await describedBy(() => describe(visible(message, call?.operand), of(caller)))
  const digest = await operationDigest(base, display)
  return display === undefined ? { name, digest } : { name, digest, display }
}

/** What a user is shown. Nothing is cut or left out of it: the user would approve something else (APR-16). */
async function describedBy(describe: () => unknown): Promise<readonly string[]> {
  let display: unknown
  try {
    display = await describe()
  } catch {
    // Without its cause: an error may quote the request, and what is displayed stands in no log (APR-35).
    throw impossible()
  }
  if (!isDisplay(display)) throw impossible()
  return [...display]
}

/** Only what the digest binds: a header that nobody signed could change the display, or the request (APR-19). */
function visible(message: ReceivedMessage, operand: Uint8Array | undefined): DescribedRequest {
  const { method, target } = message
  const body = new Uint8Array(message.body ?? [])
  const json = (): unknown => (operand === undefined ? jsonOf(message, body) : parseJson(operand, { maxDepth: 64 }))
  return { method, path: pathOf(target), query: queryOf(target) ?? '', body, json }
}

const jsonType = /^application\/(?:[a-z0-9.+-]+\+)?json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i

/** JSON in one reading: a member that stands twice would be shown once and done otherwise. */
function jsonOf(message: ReceivedMessage, body: Uint8Array): unknown {
  const [type, ...more] = headerValues(message, 'content-type')
  if (
    type === undefined ||
    more.length > 0 ||
    !jsonType.test(type) ||
    headerValues(message, 'content-encoding').length > 0
  )
    throw new SyntaxError('the body is not JSON')
  return parseJson(body, { maxDepth: 64 })
}

/** The same user, agent and delegate when the approved request comes, whatever token it brings. */
function of({ agent, delegate, user }: AuthorizedCaller): DescribedCaller {
  return { agent, delegate, user: user && { iss: user.iss, sub: user.sub } }
}
