import type { Caller } from '../shared/caller.js'
import { deniedByPolicy } from '../shared/refusal.js'
import type { Condition } from './conditions.js'
import { rateLimited } from './limits.js'

/** Counts of calls, by whom they are counted for. @see protocol §9.2 */
export interface CallCounts {
  /** Refuses where a call would be one too many; counts nothing. */
  look(caller: Caller, conditions: readonly Condition[]): void
  /** The same, and counts the call. */
  count(caller: Caller, conditions: readonly Condition[]): void
}

const seconds: Readonly<Record<string, number>> = { minute: 60, hour: 3600, day: 86_400 }

/** Opens counts in memory, which can keep none for the life of a grant. `now` is in seconds. */
export function openCallCounts(now: () => number): CallCounts {
  const counts = new Map<string, number>()
  const nameOf = (caller: Caller, per: string): string =>
    `${per} ${Math.floor(now() / (seconds[per] ?? 1))} ${counter(caller)}`
  const look = (caller: Caller, conditions: readonly Condition[]): void => {
    for (const { max, per } of callsOf(conditions)) {
      if (per === 'grant')
        throw deniedByPolicy('calls_uncountable', 'the condition `calls` of a grant is not counted here')
      const made = counts.get(nameOf(caller, per)) ?? 0
      const window = seconds[per] ?? 1
      if (made >= max) throw rateLimited(window - (now() % window))
    }
  }
  return {
    look,
    count(caller, conditions) {
      look(caller, conditions)
      for (const per of new Set(callsOf(conditions).map(one => one.per)))
        counts.set(nameOf(caller, per), (counts.get(nameOf(caller, per)) ?? 0) + 1)
    },
  }
}

function callsOf(conditions: readonly Condition[]): ReadonlyArray<{ readonly max: number; readonly per: string }> {
  return conditions.flatMap(one => (one.type === 'calls' ? [{ max: Number(one['max']), per: String(one['per']) }] : []))
}

/** Whom calls are counted for: a new token, key or grant begins no new count. */
function counter({ level, claims = {} }: Caller): string {
  const { iss, sub, agent, agent_delegate, act } = claims
  return level === 'authorized'
    ? JSON.stringify(['user', iss, sub, agent, agent_delegate, act])
    : JSON.stringify(['delegate', iss, sub])
}
