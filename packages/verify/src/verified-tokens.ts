import type { VerifyKey } from '@countersign/httpsig'
import type { AuthorizedCaller, IdentifiedCaller } from './caller.js'

interface TokenInUse {
  readonly kid: string
  readonly iss: string
  /** The issuer's key it was verified under: another object later means another key, and a new verification. */
  readonly issuerKey: VerifyKey
  /** The key of `cnf.jwk`, imported. */
  readonly confirmationKey: VerifyKey
  /** Unix seconds before which the token is not accepted. */
  readonly notBefore: number
  /** Unix seconds at which the token ends. */
  readonly exp: number
}

/**
 * A token whose issuer's signature and claims have held once, and what it says of the caller.
 * The facts are frozen: every request under the token is handed the same ones.
 */
export type VerifiedToken = TokenInUse &
  (
    | { readonly typ: 'agent+jwt'; readonly facts: IdentifiedCaller }
    | { readonly typ: 'auth+jwt'; readonly facts: AuthorizedCaller }
  )

/** Verified tokens by their whole string, least recently used first out. */
export interface VerifiedTokens {
  get(token: string): VerifiedToken | undefined
  set(token: string, verified: VerifiedToken): void
}

interface Entry {
  readonly verified: VerifiedToken
  /** The count of uses when it last stood at the young end. */
  moved: number
}

/** A bounded cache: a stranger who sends many tokens displaces entries, never grows it. */
export function verifiedTokens(capacity: number): VerifiedTokens {
  const entries = new Map<string, Entry>()
  // What was moved within so many uses has at most so many younger entries, and is far from leaving.
  const young = capacity / 8
  let uses = 0
  return {
    get(token) {
      const found = entries.get(token)
      uses++
      if (found === undefined) return undefined
      if (uses - found.moved > young) {
        entries.delete(token)
        entries.set(token, found)
        found.moved = uses
      }
      return found.verified
    },
    set(token, verified) {
      if (entries.size >= capacity && !entries.has(token)) {
        const oldest = entries.keys().next()
        if (!oldest.done) entries.delete(oldest.value)
      }
      uses++
      entries.delete(token)
      entries.set(token, { verified, moved: uses })
    },
  }
}
