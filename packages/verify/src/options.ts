import type { Discovery } from '@countersign/discovery'
import type { IdentifierList } from '@countersign/protocol'
import type { Credential } from './caller.js'

/** What a verifier must know about the party it works for. */
export interface VerifierOptions {
  /** The receiver's own identifier: what it looks for in `aud`. */
  readonly receiver: string
  /** The authorities it answers under, lower case. Default: that of `receiver`. Never taken from the request. */
  readonly authorities?: readonly string[]
  readonly discovery: Discovery
  /** Credentials that are looked at; others are `insufficient_level` before anything is fetched. */
  readonly accept: readonly Credential[]
  /** Auth servers whose tokens count. No default: without it every auth token is `untrusted_issuer`. */
  readonly authServers?: IdentifierList
  /** Agents that are let in at all; nothing is fetched for others. Default `any`. */
  readonly agents?: IdentifierList
  /** Seconds that `created` may differ from now. Default 60, 1 to 300. */
  readonly tolerance?: number
  /** Unix seconds. */
  readonly now?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /** How many verified tokens are remembered. Default 10 000. */
  readonly tokenCache?: number
  /**
   * Told, as a token is looked at, whether it was verified before and still holds: then only the request's own signature is
   * checked. For metrics; what it throws is ignored.
   */
  readonly onToken?: (seen: 'hit' | 'miss') => void
}

/** What may differ from request to request. */
export interface PerRequest {
  readonly accept?: readonly Credential[]
  /** Components beyond the usual ones that must be covered where the request has them. */
  readonly requiredComponents?: readonly string[]
  /** Seconds past `exp` for which an agent token is still taken: the renewal endpoint's, nobody else's. */
  readonly expiredAgentTokenGrace?: number
  /** Where the caller is, as far as trusted proxies say. Default: at the other end of the connection. */
  readonly peer?: string | undefined
}
