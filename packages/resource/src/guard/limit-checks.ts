import { headerValues, type ReplayEntry } from '@countersign/httpsig'
import { refusal } from '@countersign/protocol/internal'
import {
  refuseRemembered,
  refuseUsedApproval,
  rememberOnce,
  replayEntryOf,
  takeApproval,
} from '@countersign/verify/internal'
import { available } from '../limit/available.js'
import { type Bucket, bearerBucketsOf, botBucketsOf, bucketsOf } from '../limit/limits.js'
import type { Charge } from '../limit/rate-headers.js'
import { refuseOverCalls } from './call-checks.js'
import type { Check } from './check.js'
import { asksApproval, conditionsIn } from './conditions.js'
import { overLimit, type Refusal } from './decision.js'
import { isReplay } from './failures.js'
import type { GuardedRequest } from './guarded-request.js'
import { hasSafeMethod } from './unsafe.js'

// Checks that count: each request once, however many guards it meets.

/** The limits of the route and of the resource. */
export const limits: Check<GuardedRequest> = {
  name: 'limits',
  async refusal(request) {
    const buckets = bucketsFor(request)
    return buckets.length === 0 ? undefined : refuseOverLimit(request, buckets)
  },
}

function bucketsFor({ aauth, bearer, peer, route: { limits: rates }, verified }: GuardedRequest): Bucket[] {
  if (bearer !== undefined) return bearerBucketsOf(aauth.user, rates, peer)
  return aauth.bot === undefined ? bucketsOf(verified.caller, rates, peer) : botBucketsOf(aauth.bot, rates)
}

async function refuseOverLimit(request: GuardedRequest, buckets: readonly Bucket[]): Promise<Refusal | undefined> {
  // Before it is counted: else replays under way fill the limit of the agent that they were captured from.
  if (passesOnce(request)) await lookForReplay(request)
  const over = await charge(request, buckets)
  if (over === undefined) return undefined
  if (request.bearer === undefined && request.bot === undefined)
    return overLimit(request.verified.caller, request.route, over)
  const { seconds } = over.count
  const error = refusal('rate_exceeded', {
    about: 'requests with this bearer token, or of this bot',
    retryAfter: seconds,
  })
  return { error, ask: 'nothing' }
}

/**
 * Charges the request to its limits, one after the other until one is exceeded.
 * @returns that one
 */
async function charge({ ledger, guard }: GuardedRequest, buckets: readonly Bucket[]): Promise<Charge | undefined> {
  const { counter, spent } = guard
  const charged = ledger.charges
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
    // A refused request is not counted: if replays filled the limit, the counts given back for them must make room again.
    if (before === undefined) await counter.giveBack?.(bucket.key, bucket.rate)
    return one
  }
  return undefined
}

/** Takes back the charges of a replay: otherwise anyone who captured a request could use up its agent's limit. */
async function giveBack({ ledger: { charges }, guard: { counter, spent } }: GuardedRequest): Promise<void> {
  const charged = [...charges.values()]
  charges.clear()
  await Promise.all(charged.map(({ bucket }) => counter.giveBack?.(bucket.key, bucket.rate)))
  // While replays were counted, a request of their agent may have found its limit exceeded.
  for (const { bucket } of charged) spent.forget(bucket)
}

/** Last: what another check refuses may come again. */
export const replay: Check<GuardedRequest> = {
  name: 'replay',
  refusal: async request => (passesOnce(request) ? refuseReplay(request) : undefined),
}

async function refuseReplay(request: GuardedRequest): Promise<undefined> {
  const entry = entryOf(request)
  if (entry === undefined) return
  const { ledger, guard } = request
  try {
    await rememberOnce(guard.replay, entry)
  } catch (error) {
    noteReplay(error, request)
    await giveBack(request)
    throw error
  }
  ledger.hasPassedReplay = true
}

/** After the replay set: what is sent again must not use up the approval of the request that it is a copy of. */
export const approvalOnce: Check<GuardedRequest> = {
  name: 'approval once',
  async refusal(request) {
    const { verified, route, guard } = request
    return asksApproval(verified.caller, route, guard.id) ? takeOnce(request) : undefined
  },
}

async function takeOnce(request: GuardedRequest): Promise<Refusal | undefined> {
  const { ledger, verified, peer, guard } = request
  if (ledger.hasTakenApproval) return undefined
  // An approval that was taken is gone: before that it shows whether the call can be counted (NON-23).
  const over = await refuseOverCalls(request, 'look')
  const { replay: set, siteOf, development } = guard
  const use = { replay: set, verified, peer, siteOf, development }
  if (over !== undefined) {
    await refuseUsedApproval(use)
    return over
  }
  await takeApproval(use)
  ledger.hasTakenApproval = true
  return undefined
}

/** What goes through a connection that changes its protocol is no safe request: a handshake sent again would open another. */
function passesOnce(request: GuardedRequest): boolean {
  const { message, route, bot } = request
  if (bot !== undefined) return bot.once !== undefined
  if (route.replay === 'all' || !hasSafeMethod(message)) return true
  return headerValues(message, 'upgrade').length > 0 || isCounted(request)
}

/** Under `calls` and `approval` a copy of a safe request, too, would cost its owner something (DEL-36). */
function isCounted({ verified: { caller }, route, guard }: GuardedRequest): boolean {
  const conditions = conditionsIn(caller)
  return (
    (conditions?.some(({ type }) => type === 'calls') ?? false) ||
    (caller.level === 'authorized' && asksApproval(caller, route, guard.id))
  )
}

/** Refuses a replay without remembering a request that is none. */
async function lookForReplay(request: GuardedRequest): Promise<void> {
  const entry = entryOf(request)
  if (entry === undefined) return
  try {
    await refuseRemembered(request.guard.replay, entry)
  } catch (error) {
    noteReplay(error, request)
    throw error
  }
}

/**
 * The entry of a request in the replay set; undefined for one that cannot be a replay. One request that meets two guards of a resource is
 * no replay of itself: the same message object passes again.
 */
function entryOf({ ledger, verified, bot, peer, guard }: GuardedRequest): ReplayEntry | undefined {
  if (ledger.hasPassedReplay) return undefined
  const { siteOf, development } = guard
  return bot?.once ?? replayEntryOf({ verified, peer, siteOf, development })
}

/** A replay counts as a failure of the network that sends it. */
function noteReplay(error: unknown, { peer, guard }: GuardedRequest): void {
  if (isReplay(error)) guard.failures.note(peer)
}
