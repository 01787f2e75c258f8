import type { Discovery } from '@countersign/discovery'
import type { OpenedSignature, VerifyKey } from '@countersign/httpsig'
import type { AgentTokenClaims, AuthTokenClaims } from '@countersign/protocol'

/** How a caller may say who it is: an inline key, a published key, an agent token, an auth token. */
export type Credential = 'hwk' | 'jwks_uri' | 'agent+jwt' | 'auth+jwt'

/** A user is the pair of issuer and subject, never the subject alone (protocol §5). */
export interface User {
  readonly iss: string
  readonly sub: string
  /** OIDC claims of granted identity scopes. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** An unsigned request. */
export interface AnonymousCaller {
  readonly level: 'anonymous'
  readonly peer?: string
}

/** A request signed by an inline key: the same key came back, nothing more. */
export interface PseudonymousCaller {
  readonly level: 'pseudonymous'
  readonly key: VerifyKey
  readonly peer?: string
}

/** A request of a known agent, or of one of its delegates. */
export interface IdentifiedCaller {
  readonly level: 'identified'
  readonly agent: string
  readonly delegate?: string
  readonly key: VerifyKey
  /** The agent token's claims; absent where the agent signed with its own published key. */
  readonly token?: AgentTokenClaims
  readonly peer?: string
}

/** A request under an auth token. */
export interface AuthorizedCaller {
  readonly level: 'authorized'
  /** The auth server that issued the token. */
  readonly issuer: string
  readonly agent: string
  readonly delegate?: string
  readonly key: VerifyKey
  readonly token: AuthTokenClaims
  readonly scope: readonly string[]
  readonly user?: User
  readonly peer?: string
}

/** The verified facts about who sent a request (protocol §1). */
export type Caller = AnonymousCaller | PseudonymousCaller | IdentifiedCaller | AuthorizedCaller

/** What verification found. */
export interface Verified {
  readonly caller: Caller
  /** The signature that held; absent for an anonymous caller. */
  readonly opened?: OpenedSignature
  /** A view of discovery that goes on with the fetch budget of this request. */
  readonly discovery: Discovery
}
