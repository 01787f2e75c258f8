import { appendFileSync, existsSync, readFileSync } from 'node:fs'
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

/** Opens counts in memory; those of grants are kept in a file, too, since they outlive a start. `now` is in seconds. */
export function openCallCounts(now: () => number, file: string): CallCounts {
  const counts = new Map<string, number>()
  const ofGrants = openGrantCounts(now, file)
  const nameOf = (caller: Caller, per: string): string =>
    `${per} ${Math.floor(now() / (seconds[per] ?? 1))} ${counter(caller)}`
  const look = (caller: Caller, conditions: readonly Condition[]): void => {
    for (const { max, per } of callsOf(conditions)) {
      if (per === 'grant') {
        if (ofGrants.made(caller) >= max) throw deniedByPolicy('calls_used_up', 'the calls of the grant are used up')
        continue
      }
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
        if (per === 'grant') ofGrants.add(caller, lastUntil(conditions))
        else counts.set(nameOf(caller, per), (counts.get(nameOf(caller, per)) ?? 0) + 1)
    },
  }
}

function callsOf(conditions: readonly Condition[]): ReadonlyArray<{ readonly max: number; readonly per: string }> {
  return conditions.flatMap(one => (one.type === 'calls' ? [{ max: Number(one['max']), per: String(one['per']) }] : []))
}

/** The calls of a grant, until all times of its list are over. */
function openGrantCounts(now: () => number, file: string) {
  const counts = new Map<string, { readonly made: number; readonly ends: number }>()
  const made = (name: string): number => {
    const { made = 0, ends = 0 } = counts.get(name) ?? {}
    return ends > now() ? made : 0
  }
  const add = (name: string, ends: number): void =>
    void counts.set(name, { made: made(name) + 1, ends: Math.max(ends, counts.get(name)?.ends ?? 0) })
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  for (const line of lines) add(...(JSON.parse(line) as [string, number]))
  return {
    made: (caller: Caller): number => made(grantOf(caller)),
    add(caller: Caller, ends: number): void {
      add(grantOf(caller), ends)
      appendFileSync(file, `${JSON.stringify([grantOf(caller), ends])}\n`)
    },
  }
}

/** What the calls of a grant are counted by. @throws Refusal where there is no grant of a user */
function grantOf({ claims = {} }: Caller): string {
  const { iss, grant, sub } = claims
  if (grant === undefined || sub === undefined)
    throw deniedByPolicy('calls_uncountable', 'the condition `calls` of a grant needs a grant of a user')
  return JSON.stringify([iss, grant])
}

/** An earlier one, by the delegation of an agent, must not begin the count anew. */
function lastUntil(conditions: readonly Condition[]): number {
  return Math.max(...conditions.flatMap(({ type, time }) => (type === 'until' ? [Number(time)] : [])))
}

/** Whom calls are counted for: a new token, key or grant begins no new count. */
function counter({ level, claims = {} }: Caller): string {
  const { iss, sub, agent, agent_delegate, act } = claims
  return level === 'authorized'
    ? JSON.stringify(['user', iss, sub, agent, agent_delegate, act])
    : JSON.stringify(['delegate', iss, sub])
}
