import type { VerifyKey } from '@countersign/httpsig'
import { sharedMap } from '@countersign/protocol/internal'
import type { AuthorizedCaller, IdentifiedCaller } from './caller.js'

interface TokenInUse {
  readonly kid: string
  readonly iss: string
  /** The issuer's key that verified the token. When discovery later returns another object, the token is verified again. */
  readonly issuerKey: VerifyKey
  /** The key of `cnf.jwk`, imported. */
  readonly confirmationKey: VerifyKey
  /** Unix seconds before which the token is not accepted. */
  readonly notBefore: number
  /** Unix seconds at which the token ends. */
  readonly exp: number
}

/**
 * A token whose signature and claims were verified, and the caller that it names.
 * The facts are frozen: every request with the token gets the same object.
 */
export type VerifiedToken = TokenInUse &
  (
    | { readonly typ: 'agent+jwt'; readonly facts: IdentifiedCaller }
    | { readonly typ: 'auth+jwt'; readonly facts: AuthorizedCaller }
  )

/** Verified tokens; the least recently used are evicted first. */
export interface VerifiedTokens {
  get(token: string): VerifiedToken | undefined
  set(token: string, verified: VerifiedToken): void
}

/** Bytes of memory for a token of ordinary length. */
const ordinary = 5 * 1024

/** Bytes of memory that a token takes: its text, its claims as objects, its imported key. */
function weightOf(token: string): number {
  return 2048 + 3 * token.length
}

/**
 * A bounded cache: a stranger who sends many tokens, or large ones, cannot grow it, and evicts tokens of the same site first.
 * @param capacity number of tokens of ordinary length; larger ones count as more
 * @param shareOf the site that an agent's tokens count for; undefined in development
 */
export function createVerifiedTokens(capacity: number, shareOf: (agent: string) => string | undefined): VerifiedTokens {
  // bound: tokenCache, 10 000; bytes: 5 KiB × tokenCache; grown by a stranger; shared: a site that holds over a tenth
  // gives way first; filled by verified-tokens.test.ts "tokens of a site that holds many are evicted first"
  const entries = sharedMap<string, { readonly token: string; readonly verified: VerifiedToken }>({
    maxEntries: capacity,
    maxBytes: Math.max(capacity, 64) * ordinary,
  })
  return {
    get(token) {
      const found = entries.get(nameOf(token))
      // Only the whole text decides: an issuer could make two tokens with one end.
      return found?.token === token ? found.verified : undefined
    },
    set: (token, verified) =>
      entries.set(nameOf(token), { token, verified }, { bytes: weightOf(token), share: shareOf(verified.facts.agent) }),
  }
}

/** The end of the signature: to hash the whole text, which is new with each request, takes as long as to read its header. */
function nameOf(token: string): string {
  return token.slice(-32)
}
