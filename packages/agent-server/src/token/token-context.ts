import type { Reporter } from '@countersign/audit/internal'
import type { ReplaySet } from '@countersign/httpsig'
import type { Verifier } from '@countersign/verify'
import type { DelegateKeys } from '../delegate/delegate-key.js'
import type { Delegates } from '../delegate/delegates.js'
import type { Admission, EnrollmentRequest } from '../enrollment/enrollment.js'
import type { AgentServerEvent } from '../event.js'
import { type AgentTokenIssuer, issueAgentToken, type TokenSubject } from './agent-token.js'

/** What the delegate token endpoint uses. */
export interface DelegateTokenContext {
  /** The URL of the endpoint: the audience of key proofs, and part of that of OIDC tokens. */
  readonly endpoint: string
  readonly verifier: Verifier
  readonly replay: ReplaySet
  readonly delegates: Delegates
  readonly delegateKeys: DelegateKeys
  /** By `type`. */
  readonly enrollments: ReadonlyMap<string, (request: EnrollmentRequest) => Promise<Admission>>
  readonly issuer: AgentTokenIssuer
  readonly development: boolean
  readonly now: () => number
  readonly report: Reporter<AgentServerEvent>
}

/** The answer of the delegate token endpoint. */
export interface DelegateToken {
  readonly agent_token: string
  /** Seconds. */
  readonly expires_in: number
}

/** Issues a token that binds `sub` to one key. */
export async function issueDelegateToken(
  { issuer, now }: DelegateTokenContext,
  delegate: TokenSubject,
): Promise<DelegateToken> {
  return { agent_token: await issueAgentToken(issuer, { ...delegate, now: now() }), expires_in: issuer.lifetime }
}
