import { headerValues, type ReceivedMessage, type ReplaySet } from '@countersign/httpsig'
import { AAuthError, asAAuthError } from '@countersign/protocol'
import {
  type Caller,
  type ClientOf,
  checkReplay,
  refuseSeen,
  requestIdOf,
  type Verified,
  type Verifier,
} from '@countersign/verify'
import { available } from '../limit/available.js'
import type { Counter } from '../limit/counter.js'
import { type Bucket, bearerBucketsOf, bucketsOf, type SiteOf } from '../limit/limits.js'
import { type Charge, setRateHeaders } from '../limit/rate-headers.js'
import type { SpentCounts } from '../limit/spent-counts.js'
import { type AAuth, aauthOf, type Calls, withCalls } from './aauth.js'
import type { Authorization } from './authorization.js'
import { type Bearer, bearerChallenge, bearerTokenOf, hasBearer, verifyBearer } from './bearer.js'
import { type Called, type Downstream, Setback } from './called.js'
import { signatureComponents } from './components.js'
import { askAfter, askBesideBearer, askFor, overLimit, type Refusal } from './decision.js'
import type { Observer, ResourceEvent } from './event.js'
import { type RefusingContext, refusedAsCaller, refusedByFacts } from './facts.js'
import { type Failures, isReplay } from './failures.js'
import { takeRetryOff } from './handed-on.js'
import { enterFailures, type HeadCounts } from './head.js'
import { type Mode, markOf } from './mode.js'
import { letThrough } from './observe.js'
import { answerRefusal, type RefusalContext } from './refusal.js'
import type { Route } from './requirement.js'
import { streamedBody } from './streamed-body.js'

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** What it takes to let a request pass. */
export interface Guard extends RefusingContext {
  readonly verifier: Verifier
  readonly replay: ReplaySet
  /** Which site a name belongs to, whose share of `replay` it takes. */
  readonly siteOf?: SiteOf | undefined
  readonly development: boolean
  /** Messages that were looked up in `replay` and are let pass. */
  readonly passed: WeakSet<ReceivedMessage>
  readonly counter: Counter
  readonly spent: SpentCounts
  /** What each message was counted as, by the name of the limit: for the headers of its answer. */
  readonly charges: WeakMap<object, Map<string, Charge>>
  readonly clientOf: ClientOf
  readonly failures: Failures
  readonly heads: HeadCounts
  readonly tell: Observer
  readonly mode: Mode
  readonly refusal: RefusalContext
  /** How it calls others, where it does. */
  readonly downstream?: Downstream
}

/** What is found out about a request on its way. */
interface Known {
  caller?: Caller
  aauth?: AAuth
  /** Its signature base, where it verified. */
  base?: string | undefined
  /** It is judged by its bearer token. */
  bearer?: boolean
}

/** Verifies a request and lets it pass the route, or says with which response to refuse it. */
export async function authorizeRoute(message: ReceivedMessage, route: Route, guard: Guard): Promise<Authorization> {
  const known: Known = {}
  try {
    const peer = guard.clientOf(message)
    const verifies = enterFailures(message, peer, guard)
    const verified = await guard.verifier.verify(message, { requiredComponents: route.components, peer })
    verifies()
    known.caller = verified.caller
    known.base = verified.opened?.base
    const aauth = aauthOf(verified.caller)
    known.aauth = aauth
    // Never for a signed request: whoever takes its signature off must not choose what judges it, nor one that failed.
    const beside = verified.caller.level === 'anonymous' ? route.alsoAccept : undefined
    if (beside !== undefined && hasBearer(message)) return await authorizeBearer(message, route, guard, known, beside)
    const refusal = await passes(message, { verified, aauth }, route, guard)
    if (refusal !== undefined) return await refuse(refusal, message, route, guard, known)
    if (guard.mode === 'enforce') await guard.downstream?.accept(message, verified)
    const about = aboutOf(message, route, guard)
    guard.tell({ type: 'passed', aauth, ...about })
    if (guard.mode === 'observe') return letThrough()
    const body = streamedBody(message, route, verified, {
      tell: error => guard.tell({ type: 'refused', error, ask: 'nothing', aauth, ...about }),
      refusal: error => refusalOfBody(error, message, route, guard, known),
    })
    const authorization = passed(aauth, { verified, route }, about, guard)
    return body === undefined ? authorization : { ...authorization, body }
  } catch (thrown) {
    const error = asAAuthError(thrown)
    const ask = known.bearer === true ? askBesideBearer(error, route) : askAfter(error, route)
    return refuse({ error, ask }, message, route, guard, known)
  }
}

/** By the token and its scope, then limit, then policy. What was passed once passes again: a bearer token proves no request. */
async function authorizeBearer(
  message: ReceivedMessage,
  route: Route,
  guard: Guard,
  known: Known,
  beside: Bearer,
): Promise<Authorization> {
  known.bearer = true
  const peer = guard.clientOf(message)
  const { method, target } = message
  const request = { method, target, ...(peer === undefined ? {} : { peer }) }
  const aauth = await verifyBearer(bearerTokenOf(message), request, beside, route.scope)
  known.aauth = aauth
  const denied = await refusedAsCaller(aauth, route)
  if (denied !== undefined) return refuse(denied, message, route, guard, known)
  const over = await charge(message, bearerBucketsOf(aauth.user, route.limits, peer), guard)
  if (over !== undefined)
    throw new AAuthError('rate_limited', 'too many requests with bearer tokens', { retryAfter: over.count.seconds })
  const objection = await refusedByPolicy(aauth, route)
  if (objection !== undefined) return refuse(objection, message, route, guard, known)
  guard.tell({ type: 'passed', aauth, ...aboutOf(message, route, guard) })
  return guard.mode === 'observe' ? letThrough() : { ok: true, aauth: withCalls(aauth, callNobody), respond: noAnswer }
}

/** As of a body that was read before. It is told already. */
async function refusalOfBody(
  thrown: unknown,
  message: ReceivedMessage,
  route: Route,
  guard: Guard,
  known: Known,
): Promise<Response> {
  const error = asAAuthError(thrown)
  const { response } = await answered({ error, ask: askAfter(error, route) }, message, route, guard, known)
  return response
}

async function refuse(
  refusal: Refusal,
  message: ReceivedMessage,
  route: Route,
  guard: Guard,
  known: Known,
): Promise<Authorization> {
  const { aauth } = known
  const about = {
    ask: refusal.ask,
    ...(aauth === undefined ? {} : { aauth }),
    ...aboutOf(message, route, guard),
  }
  if (guard.mode === 'observe') {
    guard.tell({ type: 'refused', error: refusal.error, ...about })
    return letThrough()
  }
  const { error, response } = await answered(refusal, message, route, guard, known)
  guard.tell({ type: 'refused', error, ...about })
  return { ok: false, response }
}

async function answered(
  refusal: Refusal,
  message: ReceivedMessage,
  route: Route,
  guard: Guard,
  { caller, base, bearer = false }: Known,
): ReturnType<typeof answerRefusal> {
  const answer = await answerRefusal(refusal, caller, { ...guard.refusal, base, ...requestIdOf(message) })
  const { error, response } = answer
  setRateHeaders(response.headers, guard.charges.get(message)?.values() ?? [])
  const beside = route.alsoAccept && bearerChallenge(error, route.alsoAccept, route.scope, bearer)
  if (beside !== undefined) response.headers.set('www-authenticate', beside)
  return answer
}

/** Which request of which route an event is about. */
function aboutOf(
  message: ReceivedMessage,
  { name }: Route,
  { mode }: Guard,
): Pick<ResourceEvent, 'request_id' | 'route' | 'observed'> {
  return { ...requestIdOf(message), ...(name === undefined ? {} : { route: name }), ...markOf(mode) }
}

/** The facts with what can be done for the request, and the answer to what that may come to. */
function passed(
  aauth: AAuth,
  called: Called,
  about: ReturnType<typeof aboutOf>,
  { downstream, refusal: context, tell }: Guard,
): Authorization & { readonly ok: true } {
  if (downstream === undefined) return { ok: true, aauth: withCalls(aauth, callNobody), respond: noAnswer }
  const setbacks = new WeakMap<object, Refusal>()
  const noting = async (response: Promise<Response>): Promise<Response> => {
    try {
      return await response
    } catch (thrown) {
      if (!(thrown instanceof Setback)) throw thrown
      const { error } = thrown.refusal
      setbacks.set(error, thrown.refusal)
      throw error
    }
  }
  const calls: Calls = {
    fetch: (input, init) => noting(downstream.fetch(called, input, init)),
    oauth: (api, input, init) => noting(downstream.oauth(called, api, input, init)),
  }
  return {
    ok: true,
    aauth: withCalls(aauth, calls),
    async respond(thrown) {
      const refusal = typeof thrown === 'object' && thrown !== null ? setbacks.get(thrown) : undefined
      if (refusal === undefined) return undefined
      const { error, response } = await answerRefusal(refusal, called.verified.caller, {
        ...context,
        base: called.verified.opened?.base,
        ...about,
      })
      takeRetryOff(response)
      tell({ type: 'refused', error, ask: refusal.ask, aauth, ...about })
      return response
    },
  }
}

async function isolated(): Promise<never> {
  throw new TypeError('aauth.fetch and aauth.oauth need the option downstream of createResource, and no bearer token')
}

const callNobody: Calls = { fetch: isolated, oauth: isolated }

const noAnswer = async (): Promise<undefined> => undefined

/**
 * Level and scope, then limit, then policy, then replay: what was refused for one of the first three may come again. What was received
 * before is refused before it is counted, too: replays under way must not fill the limit of the agent that they were captured from.
 */
async function passes(
  message: ReceivedMessage,
  { verified, aauth }: { readonly verified: Verified; readonly aauth: AAuth },
  route: Route,
  guard: Guard,
): Promise<Refusal | undefined> {
  const { caller } = verified
  const refusal = await refusedByFacts({ verified, aauth: () => aauth }, route, guard)
  if (refusal !== undefined)
    return refusal.error.code === 'invalid_signature' ? withComponents(refusal, message, route) : refusal
  const buckets = bucketsOf(caller, route.limits, guard.clientOf(message))
  const once = passesOnce(message, route)
  if (once && buckets.length > 0) await refuseReplay(refuseSeen, message, verified, guard)
  const over = buckets.length === 0 ? undefined : await charge(message, buckets, guard)
  if (over !== undefined) return overLimit(caller, route, over)
  const objection = route.policy === undefined ? undefined : await refusedByPolicy(aauth, route)
  if (objection !== undefined) return objection
  if (once) await checkOnce(message, verified, guard)
  return undefined
}

/**
 * Counts the request against its limits, one after the other until one is exceeded; once, however many guards it meets.
 * @returns that one
 */
async function charge(
  message: ReceivedMessage,
  buckets: readonly Bucket[],
  { counter, charges, spent }: Guard,
): Promise<Charge | undefined> {
  if (buckets.length === 0) return undefined
  const charged = charges.get(message) ?? new Map<string, Charge>()
  charges.set(message, charged)
  const isCharged = ({ name, key }: Bucket): boolean => charged.get(name)?.bucket.key === key
  const over = spent.find(buckets.filter(bucket => !isCharged(bucket)))
  if (over !== undefined) {
    charged.set(over.bucket.name, over)
    return over
  }
  for (const bucket of buckets) {
    const before = isCharged(bucket) ? charged.get(bucket.name) : undefined
    const one = before ?? { bucket, count: await available(counter.take(bucket.key, bucket.rate)) }
    charged.set(bucket.name, one)
    if (one.count.within) continue
    spent.add(one)
    // Refused, so not counted: where replays had filled the limit for a moment, what they are given back must make room again.
    if (before === undefined) await counter.giveBack?.(bucket.key, bucket.rate)
    return one
  }
  return undefined
}

/** What a replay was counted as is taken back: else anyone who captured a request could use up its agent's limit. */
async function giveBack(message: ReceivedMessage, { counter, charges, spent }: Guard): Promise<void> {
  const charged = [...(charges.get(message)?.values() ?? [])]
  charges.delete(message)
  await Promise.all(charged.map(({ bucket }) => counter.giveBack?.(bucket.key, bucket.rate)))
  // While replays were counted, a request of their agent may have found its limit exceeded.
  for (const { bucket } of charged) spent.forget(bucket)
}

async function refusedByPolicy(aauth: AAuth, route: Route): Promise<Refusal | undefined> {
  if (route.policy === undefined) return undefined
  const verdict = await route.policy(aauth)
  return verdict === true ? undefined : askFor(verdict, aauth.level, route)
}

/** What goes through a connection that changes its protocol is no safe request: a handshake sent again would open another. */
function passesOnce(message: ReceivedMessage, { replay }: Route): boolean {
  return replay === 'all' || !safeMethods.has(message.method) || headerValues(message, 'upgrade').length > 0
}

/** One request that meets two guards of a resource is no replay of itself: the very same object passes again. */
async function checkOnce(message: ReceivedMessage, verified: Verified, guard: Guard): Promise<void> {
  try {
    await refuseReplay(checkReplay, message, verified, guard)
  } catch (error) {
    await giveBack(message, guard)
    throw error
  }
  guard.passed.add(message)
}

/** Asks the replay set, by one of its two questions; a replay counts as a failure of the network that sends it. */
async function refuseReplay(
  ask: typeof checkReplay,
  message: ReceivedMessage,
  verified: Verified,
  guard: Guard,
): Promise<void> {
  if (guard.passed.has(message)) return
  const peer = guard.clientOf(message)
  const { replay, siteOf, development } = guard
  try {
    await ask({ replay, verified, peer, siteOf, development })
  } catch (error) {
    if (isReplay(error)) guard.failures.note(peer)
    throw error
  }
}

/** An unsigned caller is told all it has to cover, so that its next request can be right. */
function withComponents(refusal: Refusal, message: ReceivedMessage, route: Route): Refusal {
  const { code, description } = refusal.error
  const required_components = signatureComponents(message, route.components)
  return { ...refusal, error: new AAuthError(code, description, { required_components }) }
}
