import type { ReceivedMessage } from '@countersign/httpsig'
import { asAAuthError } from '@countersign/protocol/internal'
import { requestIdOf } from '@countersign/verify/internal'
import { setRateHeaders } from '../limit/rate-headers.js'
import { answerRuleOf } from './answer.js'
import type { Authorization } from './authorization.js'
import { bearerChallenge } from './bearer.js'
import { callsOf } from './calls.js'
import { firstRefusal } from './check.js'
import { checksOf, headChecksOf } from './checks.js'
import { askAfter, askBesideBearer, type Refusal } from './decision.js'
import type { ResourceEvent } from './event.js'
import type { GuardedRequest, ReceivedRequest, RefusedRequest } from './guarded-request.js'
import { markOf } from './mode.js'
import { letThrough } from './observe.js'
import { answerRefusal } from './refusal.js'
import type { RefusedRead } from './request-ledger.js'
import { type StreamedBody, streamedBody } from './streamed-body.js'
import { verifyRequestBearer, verifyRequestBody, verifyRequestHead } from './verify-request.js'
import { whileOpenOf } from './while-open.js'

/**
 * Verifies a request and lets it pass the route, or says with which response to refuse it: the head is verified and judged, then the body
 * is read and verified, then the whole request is judged.
 * @see protocol §3.3, §4
 */
export async function authorizeRoute(received: ReceivedRequest): Promise<Authorization> {
  const { refusedRead } = received.ledger
  if (refusedRead !== undefined) return refuseAsRead(received, refusedRead)
  let known: RefusedRequest = received
  try {
    const named = await verifyRequestHead(received)
    known = named
    const head = named.bearer === undefined ? named : await verifyRequestBearer(named, named.bearer)
    known = head
    // An adapter has read the body to find this route: its refusal comes before those of the route.
    if (head.ledger.whole !== undefined) await head.ledger.whole
    const early = await firstRefusal(head, headChecksOf(head))
    if (early !== undefined) return await refuse(early, head)
    const request = await verifyRequestBody(head)
    known = request
    const body = head.message === request.message ? 'here' : 'late'
    const refusal = await firstRefusal(request, checksOf(request, { body }))
    if (refusal !== undefined) return await refuse(refusal, request)
    return await passRequest(request)
  } catch (thrown) {
    return refuse(refusalAfter(thrown, known), known)
  }
}

/**
 * Reads the body of a request whose head a route lets pass, for adapters that find by the body what the request is.
 * @param judges whether the checks of the route are made, or the signature alone verified
 * @returns undefined where the head or the body is refused: `authorizeRoute` then refuses it
 */
export async function readRoute(
  received: ReceivedRequest,
  judges: 'checks' | 'signature',
): Promise<ReceivedMessage | undefined> {
  let facts: RefusedRead['facts'] = {}
  try {
    const head = await verifyRequestHead(received)
    facts = { verified: head.verified, aauth: head.aauth }
    const refusal = judges === 'checks' ? await firstRefusal(head, headChecksOf(head)) : undefined
    if (refusal === undefined) return (await verifyRequestBody(head)).message
    received.ledger.refusedRead = { refusal, facts }
  } catch (thrown) {
    received.ledger.refusedRead = { thrown, facts }
  }
  return undefined
}

/** It is not judged anew: a second judgement could let a request pass whose body its adapter has not seen (COV-48). */
function refuseAsRead(received: ReceivedRequest, { refusal, thrown, facts }: RefusedRead): Promise<Authorization> {
  const known = { ...received, ...facts }
  return refuse(refusal ?? refusalAfter(thrown, known), known)
}

/** The authorization of a request that no check refuses, with what its handler can do for it. */
async function passRequest(request: GuardedRequest): Promise<Authorization> {
  const { aauth, guard } = request
  const about = aboutOf(request)
  guard.tell({ type: 'passed', aauth, ...about })
  if (guard.mode === 'observe') return letThrough(request, aauth)
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
    return letThrough(request)
  }
  const { error, response } = await answerOf(refusal, request)
  guard.tell({ type: 'refused', error, ...about })
  return { ok: false, response }
}

/** The response to a refused request, with its challenge and its `RateLimit` headers. */
async function answerOf(
  refusal: Refusal,
  { message, route, guard, ledger, verified, bearer }: RefusedRequest,
): ReturnType<typeof answerRefusal> {
  const base = verified?.opened?.base
  const answer = await answerRefusal(refusal, verified?.caller, { ...guard.refusal, base, ...requestIdOf(message) })
  const { error, response } = answer
  setRateHeaders(response.headers, ledger.charges.values())
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
