import { isIdentifier, missingScope } from '@countersign/protocol'
import { AgentError, mustAsk } from '../error.js'
import { explained, type Outcome } from '../explanation.js'
import type { Applicant } from '../grant/authorization.js'
import { checkHandout } from '../grant/resource-token.js'
import { userUrl } from '../grant/user-url.js'
import type { Self } from '../identity/credentials.js'
import { discard } from '../wire/body.js'
import { readAnswer } from '../wire/response-facts.js'
import { unlessAborted } from '../wire/single-flight.js'
import type { ClimbContext } from './climb-context.js'
import { decide, type Next, type Progress } from './next-step.js'
import type { Outgoing } from './outgoing.js'
import { redirectOf } from './redirect.js'
import { authorized, identified, pseudonymous, type Shown, start } from './request-auth.js'
import { isSafe, send } from './send.js'
import { grantedBy } from './sign-in.js'
import type { Passage } from './step-log.js'

const maxRedirects = 5
const maxInteractions = 5

interface Climb {
  readonly context: ClimbContext
  readonly passage: Passage
  readonly refused: Set<string>
  request: Outgoing
  shown: Shown
  rounds: number
  redirects: number
  followedLimit: boolean
  waited: boolean
  covered: boolean
  rekeyed: boolean
  interactions: number
  /** What was asked for in this call, and not granted. */
  withheld: readonly string[]
  /** With what a page of this resource has answered its question: what is sent from here on carries it, signed. */
  code: string | undefined
}

/** Sends a request and climbs until the resource is satisfied or nothing more may or can be shown. */
export async function climb(request: Outgoing, context: ClimbContext, passage: Passage): Promise<Response> {
  const state: Climb = {
    context,
    passage,
    refused: new Set(),
    request,
    shown: await unlessAborted(request, () => start(request, context, passage)),
    rounds: 0,
    redirects: 0,
    followedLimit: false,
    waited: false,
    covered: false,
    rekeyed: false,
    interactions: 0,
    withheld: [],
    code: undefined,
  }
  if ('grant' in state.shown)
    state.code = await context.authorization.answer(applicant(state, state.shown), request.url.origin)
  for (;;) {
    const response = await send(state)
    const final = redirected(state, response)
    if (final === 'followed') {
      discard(response)
      state.shown = await unlessAborted(request, () => start(state.request, context, passage))
      continue
    }
    if (final !== undefined) return final
    const answer = await unlessAborted(request, () => readAnswer(response, context.now()))
    const stop = await act(state, decide(answer, progress(state), host(state)), response.status)
    if (stop !== undefined) return finish(state, response, stop)
    if (answer.status === 429) state.followedLimit = true
    discard(response)
  }
}

const host = ({ request }: Climb): string => request.url.host

function progress(state: Climb): Progress {
  const { request, shown, code } = state
  return { ...state, level: shown.level, coded: code !== undefined, safe: isSafe(request.method) }
}

const applicant = ({ passage, request }: Climb, { self }: { readonly self: Self }): Applicant => ({
  self,
  tell: passage.note,
  signal: request.signal,
})

interface Stop {
  readonly outcome: Outcome
  readonly reason?: string
}

/** Does what was decided; the reason to stop, or undefined to send again. */
async function act(state: Climb, next: Next, status: number): Promise<Stop | undefined> {
  const { context, passage, request } = state
  const { origin } = request.url
  const name = host(state)
  switch (next.do) {
    case 'return':
      return next
    case 'sign':
      passage.note(origin, 'challenge', `${name} asks for a signature`, status)
      if (!isIdentifier(origin, context))
        return { outcome: 'gave_up', reason: `${name} is no https origin, so nothing was signed for it` }
      state.shown = await unlessAborted(request, () => pseudonymous(origin, context))
      return undefined
    case 'identify':
      passage.note(origin, 'challenge', `${name} asks who you are`, status)
      return orGiveUp(state, () => identify(state))
    case 'authorize':
      passage.note(origin, 'challenge', `${name} asks for an auth token`, status)
      return orGiveUp(state, () => authorize(state, next))
    case 'interact':
      passage.note(origin, 'challenge', `${name} asks for its user`, status)
      return orGiveUp(state, () => interact(state, next.url))
    case 'forget':
      state.code = undefined
      return undefined
    case 'cover':
      passage.note(origin, 'challenge', `${name} wants more of the request signed`, status)
      state.covered = true
      context.components.set(origin, next.components)
      return undefined
    case 'wait':
      passage.note(origin, 'wait', `${name} cannot answer yet: sending anew after ${next.seconds} s`, status)
      state.waited = true
      await unlessAborted(request, () => context.sleep(next.seconds))
      return undefined
  }
}

/** The user goes there for this resource, so nowhere else. */
async function interact(state: Climb, at: string): Promise<Stop | undefined> {
  const { context, request, shown } = state
  const { origin, host } = request.url
  const page = userUrl(at, context)
  if (page === undefined || new URL(page).origin !== origin)
    return { outcome: 'gave_up', reason: `${host} sends its user to where it may not` }
  state.interactions += 1
  if (state.interactions > maxInteractions)
    return { outcome: 'gave_up', reason: `${host} has asked its user five times` }
  // Whoever comes back must be known as the one who was sent.
  if (!('self' in shown)) throw mustAsk(page)
  state.code = await unlessAborted(request, () => context.authorization.answer(applicant(state, shown), origin, page))
  return undefined
}

async function identify(state: Climb): Promise<Stop | undefined> {
  const { context, request, shown } = state
  const reason = await unlessAborted(request, () => context.admits(request.url))
  if (reason !== undefined) return { outcome: 'gave_up', reason }
  if (shown.level === 'authorized') state.refused.add(shown.grant.authToken)
  const self = await unlessAborted(request, () => context.credentials.current(state.passage.note))
  state.shown = identified(self)
  return undefined
}

async function authorize(
  state: Climb,
  challenge: { readonly resourceToken: string; readonly authServer: string },
): Promise<Stop | undefined> {
  const { context, request, shown, passage } = state
  if (shown.level !== 'identified' && shown.level !== 'authorized') return { outcome: 'gave_up' }
  const { self } = shown
  if (await unlessAborted(request, () => followedKey(state, shown))) return undefined
  if (shown.level === 'authorized') state.refused.add(shown.grant.authToken)
  state.rounds += 1
  const handed = { resource: request.url.origin, ...challenge }
  const handout = await unlessAborted(request, () => checkHandout(handed, self, context))
  // Whoever has just left something out is not asked for it again at once.
  const again = handout.scope.filter(name => state.withheld.includes(name))
  if (again.length > 0)
    return { outcome: 'refused', reason: `${host(state)} needs ${again.join(' ')}, which was not granted` }
  const attempt = { refused: state.refused, mayRefresh: state.rounds === 1 }
  const { grant, isNew } = await unlessAborted(request, () =>
    context.authorization.obtain(applicant(state, shown), handout, attempt),
  )
  const { scope } = grantedBy(grant, context)
  if (isNew) state.withheld = missingScope(scope.split(' '), handout.scope)
  passage.note(request.url.origin, 'authorize', `${grant.issuer} grants ${scope} at ${host(state)}`)
  // A user may have thought longer than a key lives: the token is bound to the one there is by now.
  const bound =
    grant.jkt === self.jkt ? self : await unlessAborted(request, () => context.credentials.current(passage.note))
  state.shown = authorized(bound, grant)
  return undefined
}

/**
 * The challenge is made out for the key that signed. Where that is no longer the agent's, it shows its grant refreshed
 * for the key it has now, or says who it is, before it follows one (protocol §4). Once a call.
 */
async function followedKey(
  state: Climb,
  shown: Extract<Shown, { level: 'identified' | 'authorized' }>,
): Promise<boolean> {
  const { context, passage, request, rekeyed } = state
  const self = await context.credentials.remembered()
  if (rekeyed || self === undefined || self.jkt === shown.self.jkt) return false
  state.rekeyed = true
  passage.note(request.url.origin, 'identify', 'the key was replaced meanwhile: asking with the new one')
  const grant =
    shown.level === 'authorized'
      ? await context.authorization.ready({ self, tell: passage.note }, request.url.origin)
      : undefined
  state.shown = grant === undefined ? identified(self) : authorized(self, grant)
  return true
}

async function orGiveUp(state: Climb, task: () => Promise<Stop | undefined>): Promise<Stop | undefined> {
  try {
    return await task()
  } catch (error) {
    const reason = state.context.reasonToGiveUp(error, host(state))
    if (reason === undefined) throw error
    return { outcome: 'gave_up', reason }
  }
}

/** A redirect followed, or the response that ends the call because it is not; undefined when it is no redirect. */
function redirected(state: Climb, response: Response): Response | 'followed' | undefined {
  const { request, passage } = state
  const name = host(state)
  const end = (reason: string): Response => finish(state, response, { outcome: 'redirect', reason })
  if (response.type === 'opaqueredirect') return end(`${name} redirects, and this platform hides where to`)
  const redirect = redirectOf(request, response.status, response.headers.get('location'))
  if (redirect === undefined) return undefined
  if (request.redirect === 'error')
    throw new AgentError('network', 'the server redirects, and redirect is "error"', { status: response.status })
  if (request.redirect === 'manual') return end('redirect is "manual"')
  if (redirect.to === 'elsewhere') return end(`${name} redirects to another origin, which gets nothing`)
  if (state.redirects >= maxRedirects) return end(`${name} redirected more than ${maxRedirects} times`)
  state.redirects += 1
  passage.note(request.url.origin, 'redirect', `${name} redirects to ${redirect.request.url.pathname}`, response.status)
  state.request = redirect.request
  return 'followed'
}

function finish(state: Climb, response: Response, { outcome, reason }: Stop): Response {
  const { context, passage, request, shown } = state
  if (outcome === 'answered') context.memory.remember(request.method, request.url, shown.level)
  else passage.note(request.url.origin, 'stop', reason ?? 'the call ends here', response.status)
  return explained(response, passage.explanation(shown.level, outcome, reason))
}
