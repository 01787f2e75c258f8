import { asAAuthError } from '@countersign/protocol/internal'
import { requestIdOf } from '@countersign/verify/internal'
import { setRateHeaders } from '../limit/rate-headers.js'
import { aauthOf } from './aauth.js'
import { answerRuleOf } from './answer.js'
import type { Authorization } from './authorization.js'
import { type Bearer, bearerChallenge, bearerTokenOf, hasBearer, verifyBearer } from './bearer.js'
import { hasBotSignature } from './bot-signature.js'
import { callsOf } from './calls.js'
import { firstRefusal } from './check.js'
import { checksOf } from './checks.js'
import { askAfter, askBesideBearer, type Refusal } from './decision.js'
import type { ResourceEvent } from './event.js'
import type { GuardedRequest, ReceivedRequest, RefusedRequest } from './guarded-request.js'
import { enterFailures } from './head.js'
import { markOf } from './mode.js'
import { letThrough } from './observe.js'
import { answerRefusal } from './refusal.js'
import { type StreamedBody, streamedBody } from './streamed-body.js'
import { verifyBot } from './verify-bot.js'
import { whileOpenOf } from './while-open.js'

/** Verifies a request and lets it pass the route, or says with which response to refuse it. */
export async function authorizeRoute(received: ReceivedRequest): Promise<Authorization> {
  let known: RefusedRequest = received
  try {
    let request = await verifyRequest(received)
    known = request
    if (request.bearer !== undefined) {
      request = await verifyBearerOf(request, request.bearer)
      known = request
    }
    const refusal = await firstRefusal(request, checksOf(request))
    if (refusal !== undefined) return await refuse(refusal, request)
    return passRequest(request)
  } catch (thrown) {
    return refuse(refusalAfter(thrown, known), known)
  }
}

/** Verifies the signature of a request, where it has one. @throws AAuthError or HttpSigError */
async function verifyRequest({ message, route, guard, call }: ReceivedRequest): Promise<GuardedRequest> {
  const peer = guard.clientOf(message)
  const verifies = enterFailures(message, peer, guard)
  const verified = await guard.verifier.verify(message, { requiredComponents: route.components, peer })
  // Unsigned requests only: stripping a signature must not switch a request to another authentication, nor a failed one.
  const beside = verified.caller.level === 'anonymous' ? route.beside : {}
  const bearer = beside.bearer !== undefined && hasBearer(message) ? beside.bearer : undefined
  const bot =
    beside.webBot !== undefined && hasBotSignature(message)
      ? await verifyBot(message, beside.webBot, { components: route.components, rules: guard.bots, peer })
      : undefined
  verifies()
  return { message, route, guard, call, peer, verified, aauth: bot?.aauth ?? aauthOf(verified.caller), bearer, bot }
}

/** Verifies the bearer token of a request, with the scope that the route asks for. @throws AAuthError */
async function verifyBearerOf(request: GuardedRequest, bearer: Bearer): Promise<GuardedRequest> {
  const { message, route, peer } = request
  const { method, target } = message
  const asked = { method, target, ...(peer === undefined ? {} : { peer }) }
  return { ...request, aauth: await verifyBearer(bearerTokenOf(message), asked, { bearer, need: route.scope }) }
}

/** The authorization of a request that no check refuses, with what its handler can do for it. */
function passRequest(request: GuardedRequest): Authorization {
  const { aauth, guard } = request
  const about = aboutOf(request)
  guard.tell({ type: 'passed', aauth, ...about })
  if (guard.mode === 'observe') return letThrough(request.message, aauth)
  const passed: { -readonly [K in keyof Passed]: Passed[K] } = callsOf(request, about)
  const whileOpen = whileOpenOf(request)
  if (whileOpen !== undefined) passed.whileOpen = whileOpen
  const answer = answerRuleOf(request, error => guard.tell({ type: 'refused', error, ask: 'nothing', aauth, ...about }))
  if (answer !== undefined) passed.answer = answer
  const body = bodyOf(request, about)
  if (body !== undefined) passed.body = body
  return passed
}

type Passed = Authorization & { readonly ok: true }

function bodyOf(request: GuardedRequest, about: About): StreamedBody | undefined {
  const { route, guard, aauth } = request
  if (route.body !== 'stream') return undefined
  return streamedBody(request, {
    tell: error => guard.tell({ type: 'refused', error, ask: 'nothing', aauth, ...about }),
    // Its event is out already.
    refusal: async thrown => (await answerOf(refusalAfter(thrown, request), request)).response,
  })
}

/** The refusal of a request whose verification failed, or whose check threw. */
function refusalAfter(thrown: unknown, { route, bearer }: RefusedRequest): Refusal {
  const error = asAAuthError(thrown)
  return { error, ask: bearer === undefined ? askAfter(error, route) : askBesideBearer(error, route) }
}

async function refuse(refusal: Refusal, request: RefusedRequest): Promise<Authorization> {
  const { aauth, guard } = request
  const about = {
    ask: refusal.ask,
    ...(aauth === undefined ? {} : { aauth }),
    ...aboutOf(request),
  }
  if (guard.mode === 'observe') {
    guard.tell({ type: 'refused', error: refusal.error, ...about })
    return letThrough(request.message)
  }
  const { error, response } = await answerOf(refusal, request)
  guard.tell({ type: 'refused', error, ...about })
  return { ok: false, response }
}

/** The response to a refused request, with its challenge and its `RateLimit` headers. */
async function answerOf(
  refusal: Refusal,
  { message, route, guard, verified, bearer }: RefusedRequest,
): ReturnType<typeof answerRefusal> {
  const base = verified?.opened?.base
  const answer = await answerRefusal(refusal, verified?.caller, { ...guard.refusal, base, ...requestIdOf(message) })
  const { error, response } = answer
  setRateHeaders(response.headers, guard.charges.get(message)?.values() ?? [])
  const given = bearer !== undefined
  const challenge = route.beside.bearer && bearerChallenge(error, route.beside.bearer, { scope: route.scope, given })
  if (challenge !== undefined) response.headers.set('www-authenticate', challenge)
  return answer
}

type About = Pick<ResourceEvent, 'request_id' | 'route' | 'observed'>

/** Which request of which route an event is about. */
function aboutOf({ message, route: { name }, guard: { mode } }: ReceivedRequest): About {
  return { ...requestIdOf(message), ...(name === undefined ? {} : { route: name }), ...markOf(mode) }
}
