import { type EffectRecord, ofType } from '../history.js'
import { type Evidence, faultSpans, groupBy, type Invariant } from './evidence.js'

// What reaches the API, and how often.

type CallEvidence = Pick<Evidence, 'records' | 'promises'>

/** An invariant that can be checked while a run lasts: it reads no {@link Evidence} of its end. */
export interface CallInvariant extends Invariant {
  violations(evidence: CallEvidence): string[]
}

export const nonceOnce: CallInvariant = {
  name: 'one-effect',
  rule: 'A signed request has at most one effect, however often it is sent, and at however many instances.',
  violations: ({ records }) =>
    [...groupBy(ofType(records, 'effect'), ({ nonce }) => nonce)]
      .filter(([, effects]) => effects.length > 1)
      .map(([nonce, effects]) => `the request ${nonce} reached the API ${effects.length} times`),
}

const refusedNothing: CallInvariant = {
  name: 'refused-no-effect',
  rule: 'A request that was refused each time, or answered as not processed, has no effect.',
  violations({ records }) {
    const effects = new Set(ofType(records, 'effect').map(({ nonce }) => nonce))
    return [...groupBy(ofType(records, 'call'), ({ nonce }) => nonce)]
      .filter(([nonce, calls]) => effects.has(nonce) && calls.every(({ outcome }) => outcome === 'refused'))
      .map(([nonce]) => `the request ${nonce} was refused, and reached the API`)
  },
}

const answeredHappened: CallInvariant = {
  name: 'answered-happened',
  rule: 'A call that was answered has reached the API, and the API is reached by nothing that no client has sent.',
  violations({ records }) {
    const effects = new Set(ofType(records, 'effect').map(({ nonce }) => nonce))
    const calls = ofType(records, 'call')
    const sent = new Set(calls.map(({ nonce }) => nonce))
    return [
      ...calls
        .filter(({ outcome, nonce }) => outcome === 'ok' && !effects.has(nonce))
        .map(({ nonce }) => `the request ${nonce} was answered, and has not reached the API`),
      ...[...effects].filter(nonce => !sent.has(nonce)).map(nonce => `nobody has sent ${nonce}, which reached the API`),
    ]
  },
}

const minute = 60_000
/** A request that is let pass right before a window ends may reach the API after that. */
const margin = 3000

/** What the clock of an instance shows, as far as the rig has moved it; undefined in the moment of a move. */
function clockOf({ records }: CallEvidence): (instance: string, at: number) => number | undefined {
  const moves = groupBy(ofType(records, 'clock'), ({ instance }) => instance)
  return (instance, at) => {
    const before = (moves.get(instance) ?? []).filter(move => move.at <= at + margin)
    if (before.some(move => Math.abs(move.at - at) <= margin)) return undefined
    return at + (before.at(-1)?.offset ?? 0)
  }
}

/** The window in which a call was counted for sure. */
function windowOf(clock: number | undefined): number | undefined {
  if (clock === undefined || clock % minute < margin) return undefined
  return Math.floor(clock / minute)
}

export const metered: CallInvariant = {
  name: 'calls-counted',
  rule: 'Under `calls` no more pass in a minute than `max`, and `max` more for each time that Redis has lost its counts; none is promised while it evicts.',
  violations(evidence) {
    const { records, promises } = evidence
    const clock = clockOf(evidence)
    const losses = ofType(records, 'loss')
    const evicting = faultSpans(records).filter(({ fault }) => fault === 'redis-evicting')
    const counted = ofType(records, 'effect').filter(({ route }) => route === '/metered')
    const keyOf = (effect: EffectRecord): string => {
      const window = windowOf(clock(effect.instance, effect.at))
      return window === undefined ? '' : `${effect.caller} in minute ${window}`
    }
    return [...groupBy(counted, keyOf)].flatMap(([key, effects]) => {
      if (key === '') return []
      const [begin, end] = [Math.min(...effects.map(({ at }) => at)), Math.max(...effects.map(({ at }) => at))]
      if (evicting.some(span => span.begin <= end && span.end >= begin)) return []
      const lost = losses.filter(({ at }) => at >= begin - margin && at <= end + margin).length
      const most = promises.metered * (1 + lost)
      return effects.length > most ? [`${key}: ${effects.length} calls passed, and ${most} are promised`] : []
    })
  },
}

export const limited: CallInvariant = {
  name: 'limit-holds',
  rule: 'A limit lets no more pass in its window; while Redis is away, no more at each instance.',
  violations({ records, promises }) {
    const isRedis = ({ fault }: { readonly fault: string }): boolean => /redis|cluster|gateway|dns|disk/.test(fault)
    const away = faultSpans(records).filter(isRedis)
    const losses = ofType(records, 'loss')
    const effects = ofType(records, 'effect')
      .filter(({ route }) => route === '/limited')
      .toSorted((one, other) => one.at - other.at)
    /** How many calls may pass in a window that begins at a time. */
    const mostFrom = (begin: number): number => {
      const end = begin + minute - margin
      const lasting = away.filter(span => span.begin <= end)
      if (lasting.some(span => span.fault === 'redis-evicting' && span.end >= begin)) return Number.POSITIVE_INFINITY
      const lost = losses.filter(({ at }) => at >= begin - margin && at <= end).length
      const alone = lasting.some(span => span.end >= begin - margin) ? promises.instances : 0
      return promises.limited * (1 + lost + alone)
    }
    return [...groupBy(effects, ({ caller }) => caller)].flatMap(([caller, all]) => {
      const begin = fullWindow(
        all.map(({ at }) => at),
        mostFrom,
      )
      return begin === undefined ? [] : [`${caller}: more than ${mostFrom(begin)} calls passed from ${begin} on`]
    })
  },
}

/**
 * Divides calls into windows, each of which begins with the first call after the window before. A call about a minute after a window began
 * may belong to it or to the next.
 * @returns the begin of a window with too many calls, where there is no other way to divide them
 */
function fullWindow(times: readonly number[], mostFrom: (begin: number) => number): number | undefined {
  const firstAt = (time: number): number => times.filter(at => at < time).length
  const begins = new Set([0])
  let full: number | undefined
  for (const [index, begin] of times.entries()) {
    if (!begins.has(index)) continue
    const [least, last] = [firstAt(begin + minute - margin), firstAt(begin + minute + margin)]
    const end = index + mostFrom(begin)
    if (least > end) full = begin
    for (let next = least; next <= Math.min(last, end); next++) begins.add(next)
  }
  return begins.has(times.length) ? undefined : full
}

/** The invariants about calls. */
export const aboutCalls: readonly CallInvariant[] = [nonceOnce, refusedNothing, answeredHappened, metered, limited]
