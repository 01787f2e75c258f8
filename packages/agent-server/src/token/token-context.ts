import type { PublicJwk, ReplaySet } from '@countersign/httpsig'
import type { Verifier } from '@countersign/verify'
import type { DelegateKeys } from '../delegate/delegate-key.js'
import type { Delegates } from '../delegate/delegates.js'
import type { Admission, EnrollmentRequest } from '../enrollment/enrollment.js'
import type { AgentServerEvent } from '../event.js'
import { type AgentTokenIssuer, issueAgentToken } from './agent-token.js'

/** What the delegate token endpoint works with. */
export interface DelegateTokenContext {
  /** The URL of the endpoint itself: what a key proof is made for, and an OIDC token. */
  readonly endpoint: string
  readonly verifier: Verifier
  readonly replay: ReplaySet
  readonly delegates: Delegates
  readonly delegateKeys: DelegateKeys
  /** By `type`. */
  readonly enrollments: ReadonlyMap<string, (request: EnrollmentRequest) => Promise<Admission>>
  readonly issuer: AgentTokenIssuer
  readonly now: () => number
  readonly onEvent: (event: AgentServerEvent) => void
}

/** A delegate token endpoint's answer. */
export interface DelegateToken {
  readonly agent_token: string
  /** Seconds. */
  readonly expires_in: number
}

/** The answer that gives `sub` a token for one key. */
export async function issueDelegateToken(
  { issuer, now }: DelegateTokenContext,
  delegate: { readonly sub: string; readonly jwk: PublicJwk },
): Promise<DelegateToken> {
  return { agent_token: await issueAgentToken(issuer, { ...delegate, now: now() }), expires_in: issuer.lifetime }
}
