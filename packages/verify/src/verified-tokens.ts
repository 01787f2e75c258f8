import type { VerifyKey } from '@countersign/httpsig'
import { sharedMap } from '@countersign/protocol'
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

/** Bytes of a token of ordinary length with what is kept of it. */
const ordinary = 5 * 1024

/** What a token takes: its text, its claims as objects, its imported key. */
function worthOf(token: string): number {
  return 2048 + 3 * token.length
}

/**
 * A bounded cache: a stranger who sends many tokens, or large ones, displaces entries, never grows it, and first their own.
 * @param capacity tokens of ordinary length; larger ones count as more
 * @param shareOf whose share the tokens of an agent take; none in development
 */
export function verifiedTokens(capacity: number, shareOf: (agent: string) => string | undefined): VerifiedTokens {
  const entries = sharedMap<string, VerifiedToken>({
    maxEntries: capacity,
    maxBytes: Math.max(capacity, 64) * ordinary,
  })
  return {
    get: token => entries.get(token),
    set: (token, verified) =>
      entries.set(token, verified, { bytes: worthOf(token), share: shareOf(verified.facts.agent) }),
  }
}
