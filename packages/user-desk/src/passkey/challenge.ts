import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { sha256 } from '@countersign/auth-server/internal'

/** Seconds for which a challenge is good. */
export const challengeLife = 300
/** Seconds by which the clock of the instance that checks it may be behind. */
const skew = 60
const [timeBytes, nonceBytes, macBytes] = [6, 16, 32] as const

/** What a new passkey is for. */
export type NewPasskeyPurpose = 'new-account' | 'recovery' | 'addition'

/** What a challenge is for: good in one browser, for one thing. */
export interface ChallengeFor {
  /** The id of the browser's session. */
  readonly browser: string
  readonly purpose: 'sign-in' | 'verify' | NewPasskeyPurpose
  /** The user whom it is about, where one is known. */
  readonly sub?: string | undefined
}

/**
 * Makes and checks challenges without a table, which strangers could fill. Each has a random part, a time and a code of this server: a
 * signature made ahead of time, for a challenge that its holder chose, is none of ours.
 */
export interface Challenges {
  make(what: ChallengeFor): string
  /** Whether a challenge was made here for this, within five minutes. That it is used once, its user's transaction must see to. */
  isGood(challenge: string, what: ChallengeFor): boolean
}

/** @param o.secret the same at all instances */
export function challengesWith({ secret, now }: { readonly secret: string; readonly now: () => number }): Challenges {
  const macOf = (head: Buffer, { browser, purpose, sub = '' }: ChallengeFor): Buffer =>
    createHmac('sha256', secret)
      .update(head)
      .update(JSON.stringify([purpose, browser, sub]))
      .digest()
  return {
    make(what) {
      const time = Buffer.alloc(timeBytes)
      time.writeUIntBE(Math.floor(now()), 0, timeBytes)
      const head = Buffer.concat([time, randomBytes(nonceBytes)])
      return Buffer.concat([head, macOf(head, what)]).toString('base64url')
    },
    isGood(challenge, what) {
      const bytes = Buffer.from(challenge, 'base64url')
      if (bytes.length !== timeBytes + nonceBytes + macBytes || bytes.toString('base64url') !== challenge) return false
      const head = bytes.subarray(0, timeBytes + nonceBytes)
      if (!timingSafeEqual(bytes.subarray(head.length), macOf(head, what))) return false
      const made = head.readUIntBE(0, timeBytes)
      return made <= now() + skew && made + challengeLife > now()
    },
  }
}

/** Under what a used challenge is kept. */
export function challengeName(challenge: string): string {
  return sha256(challenge)
}
