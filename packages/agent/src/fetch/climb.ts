import type { SigningKey } from '@countersign/httpsig'
import { isIdentifier, missingScope, type Operation } from '@countersign/protocol'
import { AgentError, resourceMustAskError } from '../error.js'
import { attachExplanation, type Outcome, type StepLog } from '../explanation.js'
import type { FailedRequests, Requester } from '../grant/authorization.js'
import type { Grant } from '../grant/grants.js'
import { type CheckedOffer, checkResourceToken } from '../grant/resource-token.js'
import { userUrl } from '../grant/user-url.js'
import type { Self } from '../identity/credentials.js'
import { discard } from '../wire/body.js'
import { readResponseFacts } from '../wire/response-facts.js'
import { unlessAborted } from '../wire/single-flight.js'
import type { ClimbContext } from './climb-context.js'
import { describeGrant } from './granted.js'
import { decideNextStep, type NextStep, type Progress } from './next-step.js'
import type { Outgoing } from './outgoing.js'
import { followRedirect } from './redirect.js'
import {
  authorizedAuth,
  identifiedAuth,
  initialAuth,
  ownIdentity,
  pseudonymousAuth,
  type RequestAuth,
} from './request-auth.js'
import { isSafe, ownSignature, send } from './send.js'

const maxRedirects = 5
const maxInteractions = 5
const maxRounds = 2

interface Climb {
  readonly context: ClimbContext
  readonly log: StepLog
  readonly refused: Set<string>
  readonly failed: FailedRequests
  request: Outgoing
  auth: RequestAuth
  rounds: number
  /** How often a user was asked to approve this request. */
  approvals: number
  redirects: number
  followedLimit: boolean
  waited: boolean
  covered: boolean
  rekeyed: boolean
  interactions: number
  /** Whether a grant was refreshed or requested in this call: a token that is refused after that will not be good after a refresh. */
  renewed: boolean
  /** Scopes that this call asked for and did not get. */
  withheld: readonly string[]
  /** The interaction code from a page of this resource. Every later request of this call carries it, signed. */
  code: string | undefined
}

/** Sends a request and raises its level until the resource is satisfied or the agent may not or cannot show more. */
export async function climb(request: Outgoing, context: ClimbContext, log: StepLog): Promise<Response> {
  // bound: one call
  const failed: FailedRequests = new Map()
  const state: Climb = {
    context,
    log,
    // bound: one call
    refused: new Set(),
    failed,
    request,
    auth: await unlessAborted(request, () => initialAuth(request, context, { log, failed })),
    rounds: 0,
    approvals: 0,
    redirects: 0,
    followedLimit: false,
    waited: false,
    covered: false,
    rekeyed: false,
    interactions: 0,
    renewed: false,
    withheld: [],
    code: undefined,
  }
  if ('grant' in state.auth)
    state.code = await context.authorization.interactionCode(requesterOf(state, state.auth), request.url.origin)
  for (;;) {
    const response = await send(state)
    const final = handleRedirect(state, response)
    if (final === 'followed') {
      discard(response)
      state.auth = await unlessAborted(request, () => initialAuth(state.request, context, state))
      continue
    }
    if (final !== undefined) return final
    const answer = await unlessAborted(request, () => readResponseFacts(response, context.now()))
    const stop = await takeStep(state, decideNextStep(answer, progressOf(state), hostOf(state)), response.status)
    if (stop !== undefined) return finishCall(state, response, stop)
    if (answer.status === 429) state.followedLimit = true
    discard(response)
  }
}

const hostOf = ({ request }: Climb): string => request.url.host

function progressOf(state: Climb): Progress {
  const { request, auth, code } = state
  return { ...state, level: auth.level, coded: code !== undefined, safe: isSafe(request.method) }
}

const requesterOf = ({ log, request, failed }: Climb, { self }: { readonly self: Self }): Requester => ({
  self,
  failed,
  tell: log.note,
  signal: request.signal,
  purposes: request.purposes,
})

interface Stop {
  readonly outcome: Outcome
  readonly reason?: string
}

/** Takes the step that was decided. Returns why to stop, or undefined to send again. */
async function takeStep(state: Climb, next: NextStep, status: number): Promise<Stop | undefined> {
  const { context, log, request } = state
  const { origin } = request.url
  const name = hostOf(state)
  switch (next.do) {
    case 'return':
      return next
    case 'sign':
      log.note(origin, 'challenge', `${name} asks for a signature`, status)
      if (!isIdentifier(origin, context))
        return { outcome: 'gave_up', reason: `${name} is no https origin, so nothing was signed for it` }
      state.auth = await unlessAborted(request, () => pseudonymousAuth(origin, context))
      return undefined
    case 'identify':
      log.note(origin, 'challenge', `${name} asks who you are`, status)
      return orStop(state, () => identify(state))
    case 'authorize':
      log.note(origin, 'challenge', `${name} asks for an auth token`, status)
      return orStop(state, () => authorize(state, next))
    case 'interact':
      log.note(origin, 'challenge', `${name} must ask its user`, status)
      return orStop(state, () => askUser(state, next.url))
    case 'forget':
      state.code = undefined
      return undefined
    case 'cover':
      log.note(origin, 'challenge', `${name} wants more of the request signed`, status)
      state.covered = true
      context.components.set(origin, next.components)
      return undefined
    case 'wait':
      log.note(origin, 'wait', `${name} cannot answer yet: sending anew after ${next.seconds} s`, status)
      state.waited = true
      await unlessAborted(request, () => context.sleep(next.seconds))
      return undefined
  }
}

/** Sends the user to a page of the resource, for its code. Only to its own origin: a resource must not choose another (phishing). */
async function askUser(state: Climb, at: string): Promise<Stop | undefined> {
  const { context, request, auth } = state
  const { origin, host } = request.url
  const page = userUrl(at, context)
  if (page === undefined || new URL(page).origin !== origin)
    // agent.checks.user-interaction
    return { outcome: 'gave_up', reason: `${host} sends its user to a forbidden URL` }
  state.interactions += 1
  if (state.interactions > maxInteractions)
    // agent.interactions
    return { outcome: 'gave_up', reason: `${host} has asked its user five times` }
  // The resource must know the agent that brings the code as the one it gave the page to, so a pseudonym cannot.
  if (!('self' in auth)) throw resourceMustAskError(page)
  state.code = await unlessAborted(request, () =>
    context.authorization.interactionCode(requesterOf(state, auth), origin, page),
  )
  return undefined
}

async function identify(state: Climb): Promise<Stop | undefined> {
  const { context, request, auth } = state
  const reason = await unlessAborted(request, () => context.whyNotIdentify(request.url))
  if (reason !== undefined) return { outcome: 'gave_up', reason } // agent.identify-to
  if (auth.level === 'authorized') state.refused.add(auth.grant.authToken)
  const { origin } = request.url
  if (state.failed.has(ownIdentity)) throw state.failed.get(ownIdentity)
  const self = await unlessAborted(request, () => context.credentials.current(state.log.note))
  state.auth = await unlessAborted(request, () => identifiedAuth(self, origin, state.log.note))
  return undefined
}

async function authorize(
  state: Climb,
  challenge: { readonly resourceToken: string; readonly authServer: string },
): Promise<Stop | undefined> {
  const { context, request, auth, log } = state
  if (auth.level !== 'identified' && auth.level !== 'authorized') return { outcome: 'gave_up' }
  const { self } = auth
  if (await unlessAborted(request, () => switchToNewKey(state, auth))) return undefined
  const handed = { resource: request.url.origin, ...challenge }
  const offer = await unlessAborted(request, () => checkResourceToken(handed, self, context))
  const { operation } = offer
  if (operation !== undefined) return approve(state, auth, { ...offer, operation })
  if (state.rounds >= maxRounds)
    // agent.rounds
    return { outcome: 'gave_up', reason: `${hostOf(state)} was not satisfied after two authorization rounds` }
  if (auth.level === 'authorized') state.refused.add(auth.grant.authToken)
  state.rounds += 1
  // A scope that was withheld a moment ago is not asked for again in the same call.
  const again = offer.scope.filter(name => state.withheld.includes(name))
  if (again.length > 0)
    return { outcome: 'refused', reason: `${hostOf(state)} needs ${again.join(' ')}, which was not granted` }
  const attempt = { refused: state.refused, mayRefresh: !state.renewed }
  const { grant, by } = await unlessAborted(request, () =>
    context.authorization.obtain(requesterOf(state, auth), offer, attempt),
  )
  const { scope } = describeGrant(grant, context)
  if (by !== 'state') state.renewed = true
  if (by === 'request') state.withheld = missingScope(scope.split(' '), offer.scope)
  log.note(request.url.origin, 'authorize', `${grant.issuer} grants ${scope} at ${hostOf(state)}`)
  state.auth = await bindGrant(state, self, grant)
  return undefined
}

/** The key may have been replaced while the user decided; the token is bound to the current one. */
async function bindGrant({ context, log, request }: Climb, self: Self, grant: Grant): Promise<RequestAuth> {
  const bound =
    grant.jkt === self.jkt ? self : await unlessAborted(request, () => context.credentials.current(log.note))
  return authorizedAuth(bound, grant)
}

/**
 * Asks a user to approve this very request, which is then sent again, byte for byte, under the token of the approval.
 * @see protocol §9.4
 */
async function approve(
  state: Climb,
  auth: Extract<RequestAuth, { readonly self: Self }>,
  offer: CheckedOffer & { readonly operation: Operation },
): Promise<Stop | undefined> {
  const { context, request, log } = state
  const { self } = auth
  const { name } = offer.operation
  if (state.approvals >= maxRounds)
    // agent.rounds
    return { outcome: 'gave_up', reason: `${hostOf(state)} was not satisfied after two approvals of ${name}` }
  state.approvals += 1
  const sent = { key: self.key, sign: (key: SigningKey) => ownSignature({ ...state, auth: { ...auth, key } }) }
  const grant = await unlessAborted(request, () => context.authorization.approve(requesterOf(state, auth), offer, sent))
  log.note(request.url.origin, 'authorize', `a user has approved ${name} at ${hostOf(state)}`)
  state.auth = await bindGrant(state, self, grant)
  return undefined
}

/**
 * A challenge is for the key that signed the request. If that key was replaced meanwhile, the agent does not follow the
 * challenge: it sends again under its new key, with its grant refreshed if it has one. Returns whether it did; once a call.
 * @see protocol §4
 */
async function switchToNewKey(
  state: Climb,
  auth: Extract<RequestAuth, { level: 'identified' | 'authorized' }>,
): Promise<boolean> {
  const { context, log, request, rekeyed } = state
  const self = await context.credentials.remembered()
  if (rekeyed || self === undefined || self.jkt === auth.self.jkt) return false
  state.rekeyed = true
  log.note(request.url.origin, 'identify', 'the key was replaced meanwhile: asking with the new one')
  const grant =
    auth.level === 'authorized'
      ? await context.authorization.findStarting(requesterOf(state, { self }), request.url.origin)
      : undefined
  state.auth =
    grant === undefined ? await identifiedAuth(self, request.url.origin, log.note) : authorizedAuth(self, grant)
  return true
}

async function orStop(state: Climb, task: () => Promise<Stop | undefined>): Promise<Stop | undefined> {
  try {
    return await task()
  } catch (error) {
    const reason = state.context.reasonToGiveUp(error, hostOf(state))
    if (reason === undefined) throw error
    return { outcome: 'gave_up', reason }
  }
}

/** Follows a redirect, or returns the response that ends the call; undefined when the response is no redirect. */
function handleRedirect(state: Climb, response: Response): Response | 'followed' | undefined {
  const { request, log } = state
  const name = hostOf(state)
  const end = (reason: string): Response => finishCall(state, response, { outcome: 'redirect', reason })
  if (response.type === 'opaqueredirect') return end(`${name} redirects, and this platform hides where to`)
  const redirect = followRedirect(request, response.status, response.headers.get('location'))
  if (redirect === undefined) return undefined
  if (request.redirect === 'error')
    throw new AgentError('network', 'the server redirects, and redirect is "error"', { status: response.status })
  if (request.redirect === 'manual') return end('redirect is "manual"')
  if (redirect.to === 'elsewhere') return end(`${name} redirects to another origin, which gets nothing`)
  if (state.redirects >= maxRedirects) return end(`${name} redirected more than ${maxRedirects} times`)
  state.redirects += 1
  log.note(request.url.origin, 'redirect', `${name} redirects to ${redirect.request.url.pathname}`, response.status)
  state.request = redirect.request
  return 'followed'
}

function finishCall(state: Climb, response: Response, { outcome, reason }: Stop): Response {
  const { context, log, request, auth } = state
  if (outcome === 'answered') context.memory.remember(request.method, request.url, auth.level)
  else log.note(request.url.origin, 'stop', reason ?? 'the call ends here', response.status)
  return attachExplanation(response, log.explanation(auth.level, outcome, reason))
}
