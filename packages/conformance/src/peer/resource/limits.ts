import type { Caller } from '../shared/caller.js'
import { Refusal } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'

/** Requests that are counted, in windows of a minute. */
export interface Limits {
  /** Counts a request. @throws Refusal where it is over the limit */
  count(names: readonly string[], most: number): void
  /** Takes the counts of a request back. */
  takeBack(names: readonly string[]): void
}

const window = 60

/** Opens counts. `now` is in seconds. */
export function openLimits(now: () => number): Limits {
  const counts = new Map<string, number>()
  const keyOf = (name: string): string => `${Math.floor(now() / window)} ${name}`
  return {
    count(names, most) {
      if (names.some(name => (counts.get(keyOf(name)) ?? 0) >= most)) throw rateLimited(window - (now() % window))
      for (const name of names) counts.set(keyOf(name), (counts.get(keyOf(name)) ?? 0) + 1)
    },
    takeBack(names) {
      for (const name of names) counts.set(keyOf(name), Math.max((counts.get(keyOf(name)) ?? 0) - 1, 0))
    },
  }
}

/** 429 for so many seconds. */
export function rateLimited(seconds: number): Refusal {
  const headers = { 'retry-after': String(Math.max(1, Math.ceil(seconds))) }
  return new Refusal(429, 'rate_limited', { reason: 'rate_exceeded', text: 'the caller is over a limit', headers })
}

/** What a request counts against. @see protocol §4 */
export function countedNames(route: string, { peer }: PeerRequest, caller: Caller | undefined): readonly string[] {
  const network = `${route} network ${peer}`
  if (caller === undefined) return [network]
  const { level, key, agent, delegate, claims } = caller
  if (level === 'pseudonymous') return [network, `${route} key ${key.thumbprint}`]
  if (level === 'authorized')
    return [`${route} user ${JSON.stringify([claims?.['iss'], claims?.['sub'] ?? null, agent])}`]
  const byAgent = `${route} agent ${agent}`
  return delegate === undefined ? [byAgent] : [byAgent, `${route} delegate ${JSON.stringify([agent, delegate])}`]
}
