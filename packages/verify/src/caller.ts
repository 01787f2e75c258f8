import type { Discovery } from '@countersign/discovery'
import type { OpenedSignature, ReceivedMessage, VerifyKey } from '@countersign/httpsig'
import type { AgentTokenClaims, AuthTokenClaims, Conditions } from '@countersign/protocol'

/** The kinds of credentials: an inline key, a published key, an agent token, an auth token. */
export type Credential = 'hwk' | 'jwks_uri' | 'agent+jwt' | 'auth+jwt'

/** A user is the pair of issuer and subject, never the subject alone. @see protocol §5 */
export interface User {
  readonly iss: string
  readonly sub: string
  /** OIDC claims of granted identity scopes. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** The caller of an unsigned request. */
export interface AnonymousCaller {
  readonly level: 'anonymous'
  readonly peer?: string
}

/** The caller of a request signed by an inline key: it is known only as the holder of that key. */
export interface PseudonymousCaller {
  readonly level: 'pseudonymous'
  readonly key: VerifyKey
  readonly peer?: string
}

/** An identified agent, or one of its delegates. */
export interface IdentifiedCaller {
  readonly level: 'identified'
  readonly agent: string
  readonly delegate?: string
  readonly key: VerifyKey
  /** The claims of the agent token; absent when the agent signed with its own published key. */
  readonly token?: AgentTokenClaims
  /** What the delegate may be used for; absent where its token has no `delegation`. @see protocol §9 */
  readonly delegation?: Conditions
  readonly peer?: string
}

/** The caller of a request with an auth token. */
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
  /** Under which conditions the grant holds; absent where the token has no `constraints`. @see protocol §9 */
  readonly constraints?: Conditions
  /** What the grant is for; absent where the token has no `purposes`. @see protocol §9 */
  readonly purposes?: readonly string[]
  readonly peer?: string
}

/** The verified sender of a request, by level. @see protocol §1 */
export type Caller = AnonymousCaller | PseudonymousCaller | IdentifiedCaller | AuthorizedCaller

/** The result of a verification. */
export interface Verified {
  /** The request. After `verify` and `verifyBody` it has its body, which is the one that was signed. */
  readonly message: ReceivedMessage
  readonly caller: Caller
  /** The verified signature; absent for an anonymous caller. */
  readonly opened?: OpenedSignature
  /** A view of discovery with what is left of this request's fetch budget. */
  readonly discovery: Discovery
}
