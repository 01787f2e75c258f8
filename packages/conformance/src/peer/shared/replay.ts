import { createHash } from 'node:crypto'
import type { PublicKey } from './key.js'
import { replayed } from './refusal.js'
import type { Signature } from './signature.js'

/** The requests that a peer let pass. @see protocol §3.7 */
export interface ReplaySet {
  /** Whether a request is remembered already. */
  has(signature: Signature, key: PublicKey): boolean
  /** Remembers a request. @throws Refusal where it was seen before */
  remember(signature: Signature, key: PublicKey): void
}

/** Opens a set in memory. `now` is in seconds. */
export function openReplaySet(now: () => number, authority: string): ReplaySet {
  const until = new Map<string, number>()
  const nameOf = ({ base }: Signature, { thumbprint }: PublicKey): string =>
    `${authority} ${thumbprint} ${createHash('sha256').update(base).digest('base64url')}`
  const has = (name: string): boolean => (until.get(name) ?? 0) > now()
  return {
    has: (signature, key) => has(nameOf(signature, key)),
    remember(signature, key) {
      const name = nameOf(signature, key)
      if (has(name)) throw replayed('request_replayed', 'the request was seen before')
      until.set(name, now() + 120)
      for (const [one, end] of until) {
        if (end > now()) break
        until.delete(one)
      }
    },
  }
}
