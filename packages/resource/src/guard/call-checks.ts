import { type CallsCondition, type Conditions, conditionsOf } from '@countersign/conditions'
import { shareSite } from '@countersign/discovery/internal'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { AuthorizedCaller, IdentifiedCaller } from '@countersign/verify'
import { available } from '../limit/available.js'
import type { CallWindow } from '../limit/call-windows.js'
import type { Check } from './check.js'
import { conditionsIn } from './conditions.js'
import type { Refusal } from './decision.js'
import type { GuardedRequest } from './guarded-request.js'

// Conditions of type `calls`. @see protocol §9.2

type Holder = IdentifiedCaller | AuthorizedCaller

/** Last of all, so that no refused request costs a call (`policy.order`). */
export const calls: Check<GuardedRequest> = {
  name: 'calls',
  refusal: async request => refuseOverCalls(request),
}

/**
 * Counts a request in the windows of its conditions, in one step; refuses it where one is used up.
 * @param only looks and counts nothing: before an approval is taken, which would be lost
 */
export async function refuseOverCalls(request: GuardedRequest, only?: 'look'): Promise<Refusal | undefined> {
  const { caller } = request.verified
  const conditions = conditionsIn(caller)
  if (conditions === undefined || !conditions.some(({ type }) => type === 'calls')) return undefined
  // One request that meets two guards of a resource is one call.
  if (request.ledger.isCounted) return undefined
  return count(request, conditions, { caller: caller as Holder, only })
}

async function count(
  request: GuardedRequest,
  conditions: Conditions,
  { caller, only }: { readonly caller: Holder; readonly only: 'look' | undefined },
): Promise<Refusal | undefined> {
  const { guard, ledger } = request
  const { counter } = guard
  const now = guard.now()
  const windows = windowsOf(caller, conditions, { id: guard.id, now, isLasting: counter.isLasting === true })
  if (windows === undefined || counter.takeCall === undefined)
    return { error: refusal('calls_uncountable'), ask: 'nothing' }
  const site = guard.development ? undefined : shareSite(caller.agent, guard.siteOf)
  const used = await asking(request, counter.takeCall({ windows, now, site, only }))
  if (used.length > 0) return { error: usedUp(used, now), ask: 'nothing' }
  if (only === undefined) ledger.isCounted = true
  return undefined
}

/** With its approval taken, a request is no longer one to which nothing was done: it must not be sent again by itself. */
async function asking<T>({ ledger }: GuardedRequest, answer: Promise<T>): Promise<T> {
  if (!ledger.hasTakenApproval) return available(answer)
  return answer.catch((cause: unknown) => {
    throw refusal('store_unavailable', { about: 'the counter of calls', retryAfter: 5, cause })
  })
}

interface Counted {
  readonly id: string
  readonly now: number
  readonly isLasting: boolean
}

const periods = { minute: 60, hour: 3600, day: 86_400 } as const

/** The windows of conditions: one for each period, whatever number of conditions names it. Undefined where one cannot be counted. */
function windowsOf(caller: Holder, conditions: Conditions, counted: Counted): CallWindow[] | undefined {
  const windows: CallWindow[] = []
  for (const [per, max] of tightest(conditionsOf(conditions, 'calls'))) {
    const window = per === 'grant' ? grantWindow(caller, conditions, counted) : timeWindow(caller, per, counted)
    if (window === undefined) return undefined
    windows.push({ ...window, max })
  }
  return windows
}

function tightest(conditions: readonly CallsCondition[]): Map<CallsCondition['per'], number> {
  // bound: one call
  const most = new Map<CallsCondition['per'], number>()
  for (const { per, max } of conditions) most.set(per, Math.min(max, most.get(per) ?? max))
  return most
}

/** By Unix time, so that a new token, grant or key begins no new window (DEL-33). */
function timeWindow(caller: Holder, per: keyof typeof periods, { id, now }: Counted): Omit<CallWindow, 'max'> {
  const seconds = periods[per]
  const ends = (Math.floor(now / seconds) + 1) * seconds
  return { key: JSON.stringify([id, per, ends, ...ownerOf(caller)]), ends }
}

/** Whose calls they are. Never the grant: a new one must not begin the count anew. */
function ownerOf(caller: Holder): unknown[] {
  if (caller.level === 'identified') return ['delegate', caller.agent, caller.delegate ?? null]
  const { issuer, token, agent, delegate } = caller
  return ['user', issuer, token.sub ?? null, agent, delegate ?? null, ...actorsOf(token.act)]
}

interface Act {
  readonly iss: string
  readonly agent: string
  readonly agent_delegate?: string
  readonly act?: Act
}

function actorsOf(act: Act | undefined): unknown[] {
  return act === undefined ? [] : [[act.iss, act.agent, act.agent_delegate ?? null], ...actorsOf(act.act)]
}

/**
 * Over the life of one grant, which `until` ends. Only of a grant that a user gave, and where counts outlive a restart: a count that
 * begins anew would let through what the user has not allowed.
 */
function grantWindow(
  caller: Holder,
  conditions: Conditions,
  { id, isLasting }: Counted,
): Omit<CallWindow, 'max'> | undefined {
  // The last: a delegation that ends sooner is the agent's own to end, and to have the count of its user's grant forgotten with it.
  const ends = Math.max(...conditionsOf(conditions, 'until').map(({ time }) => time))
  if (!isLasting || ends === Number.NEGATIVE_INFINITY || caller.level !== 'authorized') return undefined
  const { issuer, token } = caller
  if (token.sub === undefined || token.grant === undefined) return undefined
  return { key: JSON.stringify([id, 'grant', issuer, token.grant]), ends }
}

function usedUp(used: readonly CallWindow[], now: number): AAuthError {
  // Of a grant: no time helps.
  if (used.some(({ key }) => isOfGrant(key))) return refusal('calls_used_up', { code: 'policy_denied' })
  const ends = Math.max(...used.map(window => window.ends))
  return refusal('calls_used_up', { retryAfter: Math.ceil(ends - now) })
}

function isOfGrant(key: string): boolean {
  return (JSON.parse(key) as unknown[])[1] === 'grant'
}
