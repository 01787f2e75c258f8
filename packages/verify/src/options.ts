import type { Discovery } from '@countersign/discovery'
import type { IdentifierList } from '@countersign/protocol'
import type { Credential } from './caller.js'

/** The options of {@link createVerifier}. */
export interface VerifierOptions {
  /** The receiver's own identifier, which must be in `aud`. */
  readonly receiver: string
  /** The authorities of the receiver, lower case. Default: that of `receiver`. Never taken from the request. */
  readonly authorities?: readonly string[]
  readonly discovery: Discovery
  /** Accepted kinds of credentials; others are refused with `insufficient_level` before anything is fetched. */
  readonly accept: readonly Credential[]
  /** Auth servers whose tokens are accepted. Default none: every auth token is refused with `untrusted_issuer`. */
  readonly authServers?: IdentifierList
  /** Agents that are admitted; nothing is fetched for others. Default `any`. */
  readonly agents?: IdentifierList
  /** Seconds that `created` may differ from now. Default 60, 1 to 300. */
  readonly tolerance?: number
  /** Unix seconds. */
  readonly now?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /** How many verified tokens are cached. Default 10 000. */
  readonly tokenCache?: number
  /**
   * Called for each token: `hit` when it is in the cache of verified tokens and still valid, so that only the request's signature
   * is verified. For metrics; an error that it throws is ignored.
   */
  readonly onToken?: (seen: 'hit' | 'miss') => void
}

/** The options that may differ from request to request. */
export interface PerRequest {
  readonly accept?: readonly Credential[]
  /** Agents that are admitted instead of those of the verifier; nothing is fetched for others. */
  readonly agents?: readonly string[]
  /** Further components that the signature must cover when the request has them. */
  readonly requiredComponents?: readonly string[]
  /** Seconds past `exp` during which an agent token is still accepted; for the renewal endpoint only. */
  readonly expiredAgentTokenGrace?: number
  /** The caller's address according to trusted proxies. Default: the address of the connection. */
  readonly peer?: string | undefined
}
