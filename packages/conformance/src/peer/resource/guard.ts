import { headerValue } from '../../wire/message.js'
import { readBody, readSignedBody } from '../shared/body.js'
import { type Caller, identifyCaller, readCredential } from '../shared/caller.js'
import { parseJson, utf8 } from '../shared/json.js'
import { badSignature, deniedByPolicy, type PeerAnswer, Refusal, refusing } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import { readSignature, type Signature, withComponents } from '../shared/signature.js'
import { agentToken, authToken, checkStillValid } from '../shared/token.js'
import { type Approvable, checkApproval, needsApproval, takeApproval } from './approval.js'
import { argumentsMeet, folded, hasFoldedTwins } from './arguments.js'
import { isGranted, tokenChallenge, unionScope } from './challenge.js'
import { type Condition, judgeConditions, ownConditions, readConditions } from './conditions.js'
import { checkSocket, lasting } from './lasting.js'
import { countedNames } from './limits.js'
import { checkGrant } from './notice.js'
import { type Admitted, done, type Route } from './routes.js'
import { answerUnder, handlerHeaders } from './shown-answer.js'
import type { Site } from './site.js'
import { checkStart } from './start.js'

const safeMethods = ['GET', 'HEAD', 'OPTIONS', 'TRACE']
const longestBody = 1024 * 1024

/** Lets a request of a route pass, or refuses it. @see protocol §9.3 */
export async function guarded(request: PeerRequest, route: Route, site: Site): Promise<PeerAnswer> {
  const rules = { ...site, demanded: route.components ?? [] }
  try {
    const signature = readSignature(request, rules)
    return signature === undefined
      ? await anonymous(request, route, site)
      : await signed(request, route, { site, signature })
  } catch (error) {
    throw challenged(withComponents(error, request, rules), route)
  }
}

/** Every 401 but a replay says what would help. @see protocol §4 */
function challenged(error: unknown, { level, isBearer }: Route): unknown {
  if (!(error instanceof Refusal) || error.status !== 401 || error.error === 'replay_detected') return error
  const isIdentity = level === 'identified' || level === 'authorized' || error.error === 'invalid_auth_token'
  const headers = { 'agent-auth': isIdentity ? 'httpsig;identity=?1' : 'httpsig', ...error.details.headers }
  if (isBearer) return error.with({ headers: { ...headers, 'www-authenticate': 'Bearer' } })
  return error.with({ headers })
}

async function anonymous(request: PeerRequest, route: Route, { limits }: Site): Promise<PeerAnswer> {
  const isShown = route.isBearer === true && headerValue(request, 'authorization') === 'Bearer of-ada'
  if (route.level !== 'anonymous' && !isShown) throw badSignature('signature_missing', 'a signature is needed')
  await readBody(request, longestBody)
  if (route.limit !== undefined) limits.count(countedNames(route.path, request, undefined), route.limit)
  return passed(request, route, { shown: [], conditions: [] })
}

interface SignedRequest {
  readonly site: Site
  readonly signature: Signature
}

async function signed(request: PeerRequest, route: Route, { site, signature }: SignedRequest): Promise<PeerAnswer> {
  const caller = await identifyCaller(signature, readCredential(signature, authToken), { ...site, self: site.id })
  const claims = caller.claims ?? {}
  if (caller.level === 'authorized') checkGrant(claims, site)
  const conditions = conditionsOf(caller)
  const isApproved = needsApproval({ route, conditions, site })
  const mayApprove = isApproved && (route.scopes ?? []).every(scope => isGranted(scope, claims))
  if (claims['operation_digest'] !== undefined && !mayApprove)
    throw authToken.refuse('approval_of_another', 'the token is an approval, and the request needs none')
  checkLevel(route, { caller, signature, site })
  judgeConditions(conditions, { now: site.now(), self: site.id, scopes: route.scopes ?? [], claims })
  const shown = ownConditions(conditions, 'data', site.id)
  checkSocket({ request }, conditions, site)
  if (shown.length > 0) checkDataHead(request)
  const whole = route.isStream
    ? Buffer.alloc(0)
    : await readSignedBody(request, signature, { limit: longestBody, now: site.now })
  if (whole.length > 0) checkStillValid(claims, caller.level === 'authorized' ? authToken : agentToken, site.now())
  const body = route.argumentsIn?.(whole) ?? whole
  const approvable: Approvable = { request, route, signature, caller, conditions, body, site }
  checkArguments(approvable)
  const names = route.limit === undefined ? [] : countedNames(route.path, request, caller)
  if (route.limit !== undefined) site.limits.count(names, route.limit)
  if (route.isClosed) throw deniedByPolicy('policy_refused', 'the policy of the route refuses')
  if (isApproved) checkApproval(approvable)
  remember(approvable, names)
  if (isApproved) takeApproval(approvable)
  site.calls.count(caller, conditions)
  if (route.isStream) await readSignedBody(request, signature, { limit: longestBody, now: site.now })
  const called = { request, signature, caller, site }
  if (route.isLasting) {
    const { open, ...begun } = lasting(called, conditions)
    return { ...answerUnder(begun, shown), open }
  }
  return passed(request, route, { shown, conditions, called })
}

function conditionsOf({ level, claims = {} }: Caller): readonly Condition[] {
  const { delegation, constraints } = claims
  const misplaced = level === 'authorized' ? delegation : constraints
  if (misplaced !== undefined) throw deniedByPolicy('condition_malformed', 'the token has the list of another token')
  return level === 'authorized' ? readConditions(constraints, false) : readConditions(delegation, true)
}

const ranks = ['anonymous', 'pseudonymous', 'identified', 'authorized']

/** @see protocol §1 */
function checkLevel(route: Route, { caller, signature, site }: SignedRequest & { readonly caller: Caller }): void {
  const { level, claims = {} } = caller
  const scopes = route.scopes ?? []
  const low = refusing(401, 'insufficient_level')('level_insufficient', `the route needs the level ${route.level}`)
  if (ranks.indexOf(level) < ranks.indexOf(route.level)) {
    if (level === 'pseudonymous') throw low
    throw tokenChallenge(low, { signature, caller, site, asked: { scope: unionScope(scopes, {}) } })
  }
  if (scopes.every(scope => isGranted(scope, claims))) return
  const missing = refusing(403, 'insufficient_scope')('scope_missing', `the route needs the scope ${scopes.join(' ')}`)
  throw tokenChallenge(missing, { signature, caller, site, asked: { scope: unionScope(scopes, claims) } })
}

/** What would let a caller find out more than the fields that it may see. @see protocol §9.2 */
function checkDataHead({ method, headers }: PeerRequest): void {
  const isAsking = headers.some(([name]) => /^(?:range$|if-)/i.test(name))
  if (!safeMethods.includes(method) && isAsking)
    throw deniedByPolicy('condition_data', 'the answer of such a request cannot be projected')
}

function checkArguments({ request, route, conditions, body, site }: Approvable): void {
  const rules = ownConditions(conditions, 'arguments', site.id)
  const all = [...rules, ...ownConditions(conditions, 'approval', site.id)]
  if (all.length > 0 && route.operation === undefined && !safeMethods.includes(request.method) && !route.isSafe)
    throw deniedByPolicy('operation_unnamed', 'the request has no operation')
  const named = all.flatMap(({ of }) => (of === '*' ? [] : [of].flat().map(String)))
  const { operation = '' } = route
  if (named.some(name => name !== operation && folded(name) === folded(operation)))
    throw deniedByPolicy('operation_misspelt', 'a condition names the operation in another spelling')
  const judged = rules.filter(({ of }) => of === operation)
  if (judged.length === 0) return
  const refused = deniedByPolicy('condition_arguments', 'the condition `arguments` does not hold')
  if (request.query !== undefined) throw refused
  if (
    !/^application\/(?:json|[^;]+\+json) *(?:; *charset="?utf-8"? *)?$/i.test(
      headerValue(request, 'content-type') ?? '',
    )
  )
    throw refused
  if (headerValue(request, 'content-encoding') !== undefined) throw refused
  const value = jsonOf(body, refused)
  if (hasFoldedTwins(value)) throw refused
  if (!judged.every(({ where }) => argumentsMeet(value, Array.isArray(where) ? where : []))) throw refused
}

function jsonOf(body: Buffer, refused: Refusal): unknown {
  try {
    return parseJson(utf8(body))
  } catch {
    throw refused
  }
}

/** Remembers what must pass once, and gives back what a replay was counted for. @see protocol §3.7 */
function remember(approvable: Approvable, counted: readonly string[]): void {
  const { request, route, signature, caller, conditions, site } = approvable
  const isCounted = conditions.some(({ type }) => type === 'calls' || type === 'approval')
  if (safeMethods.includes(request.method) && !isCounted && !route.isOnce) return
  try {
    checkStart(signature, site)
    site.replays.remember(signature, caller.key)
  } catch (error) {
    site.limits.takeBack(counted)
    throw error
  }
}

/** Runs the handler of a route, and answers what its caller may see. */
async function passed(
  request: PeerRequest,
  route: Route,
  { shown, ...admitted }: Admitted & { readonly shown: readonly Condition[] },
): Promise<PeerAnswer> {
  if (route.serve !== undefined) return route.serve(admitted)
  const { called } = admitted
  const headers = shown.length > 0 ? handlerHeaders(request.headers) : request.headers
  const isCall = route.call !== undefined && called !== undefined
  const answer = isCall ? await route.call(called) : (route.handle ?? done)({ ...request, headers })
  return answerUnder(answer, shown)
}
