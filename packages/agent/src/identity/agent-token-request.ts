import { type SigningKey, thumbprint } from '@countersign/httpsig'
import type { AgentMetadata, AgentTokenClaims } from '@countersign/protocol'
import { verifyAgentToken } from '@countersign/verify'
import { AgentError } from '../error.js'
import { checkParticipant, invalidAnswerError } from '../wire/participant.js'
import type { PostRequest } from '../wire/signed-post.js'
import type { IdentityContext, Self } from './credentials.js'
import type { CurrentKey, DelegateRecord, DelegateStore } from './delegate-record.js'
import type { Enrollment } from './enrollment.js'

/** The agent server of a delegate, how the delegate enrols, and where its record is stored. */
export interface DelegateSetup {
  readonly agentServer: string
  readonly enroll: Enrollment | undefined
  readonly store: DelegateStore
  readonly context: IdentityContext
}

/** A delegate with an agent token. */
export interface Enrolled {
  readonly record: DelegateRecord & { readonly current: CurrentKey }
  readonly self: Self & { readonly delegate: string }
  readonly expires: number
  /** When renewal begins. */
  readonly renewAt: number
}

/** A checked agent token, and its claims. */
export interface CheckedAgentToken {
  readonly token: string
  readonly claims: AgentTokenClaims
}

/** Returns the agent server's `delegate_token_endpoint`. */
export async function findTokenEndpoint({ agentServer, context }: DelegateSetup): Promise<string> {
  const metadata: AgentMetadata = await checkParticipant('agent server', () => context.discovery.agent(agentServer))
  if (metadata.delegate_token_endpoint !== undefined) return metadata.delegate_token_endpoint
  throw new AgentError('unsupported', 'the agent server issues no agent tokens to delegates', { agentServer })
}

/** Requests an agent token and checks it: it must be from this agent server, and for the requested key and delegate. */
export async function requestAgentToken(
  request: Omit<PostRequest, 'to'>,
  wanted: { readonly key: SigningKey; readonly delegate?: string },
  { agentServer, context }: DelegateSetup,
): Promise<CheckedAgentToken> {
  const json = await context.post({ ...request, to: 'agent server' })
  const token = json['agent_token']
  if (typeof token !== 'string') throw invalidAnswerError('agent server', 'agent_token')
  const { discovery, development } = context
  const claims = await checkParticipant('agent server', () =>
    verifyAgentToken({ token, issuer: agentServer, discovery, now: context.now(), development }),
  )
  if ((await thumbprint(claims.cnf.jwk)) !== (await thumbprint(wanted.key.publicJwk)))
    throw invalidAnswerError('agent server', 'cnf')
  // Grants belong to a delegate: a token for another delegate must not inherit them.
  if (wanted.delegate !== undefined && claims.sub !== wanted.delegate) throw invalidAnswerError('agent server', 'sub')
  return { token, claims }
}
