import { checkTarget, type ReceivedMessage, type ReplaySet } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import {
  checkReplay,
  type IdentifiedCaller,
  type PseudonymousCaller,
  type Verified,
  type Verifier,
} from '@countersign/verify'
import { type AgentTokenIssuer, issueAgentToken } from './agent-token.js'
import { type Delegates, refusedCode, refusedKey } from './delegates.js'
import { parseEnrollment } from './enrollment.js'
import type { AgentServerEvent } from './event.js'

/** Seconds past `exp` for which an agent token still renews itself (protocol §5). */
const renewalGrace = 30 * 86_400
const bodyLimit = 65_536

/** What the delegate token endpoint works with. */
export interface DelegateTokenContext {
  readonly verifier: Verifier
  readonly replay: ReplaySet
  readonly delegates: Delegates
  readonly issuer: AgentTokenIssuer
  readonly now: () => number
  readonly onEvent: (event: AgentServerEvent) => void
}

/** A delegate token endpoint's answer. */
export interface DelegateToken {
  readonly agent_token: string
  readonly expires_in: number
}

/**
 * Decides one request to the delegate token endpoint: an inline key enrols, an agent token renews.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 * @see protocol §5 "Delegates get agent tokens"
 */
export async function delegateToken(message: ReceivedMessage, context: DelegateTokenContext): Promise<DelegateToken> {
  checkTarget(message)
  // A secret in a URL ends in logs; there is nothing here to ask for in one.
  if (message.target.includes('?')) {
    throw new AAuthError('invalid_request', 'this endpoint takes no parameters in the URL')
  }
  if (message.body !== undefined && message.body.length > bodyLimit) {
    throw new AAuthError('invalid_request', 'the body is larger than 64 KiB', { status: 413 })
  }
  const verified = await context.verifier.verify(message, { expiredAgentTokenGrace: renewalGrace })
  const { caller } = verified
  switch (caller.level) {
    case 'pseudonymous':
      return enroll(message, verified, caller, context)
    case 'identified':
      return renew(message, verified, caller, context)
    default:
      throw new AAuthError('invalid_signature', 'sign the request: with hwk to enrol, with the agent token to renew')
  }
}

async function enroll(
  message: ReceivedMessage,
  verified: Verified,
  caller: PseudonymousCaller,
  context: DelegateTokenContext,
): Promise<DelegateToken> {
  const code = parseEnrollment(message)
  // Inline keys are free: were each remembered before its code is known, strangers could fill the replay set and stop renewals.
  if (!(await context.delegates.knows(code))) throw refusedCode()
  await checkReplay({ replay: context.replay, verified, partition: 'token' })
  const jkt = caller.key.thumbprint
  const sub = await context.delegates.enroll(code, jkt)
  context.onEvent({ type: 'enrolled', sub, jkt, ...peerOf(caller) })
  return issue(sub, caller, context)
}

async function renew(
  message: ReceivedMessage,
  verified: Verified,
  caller: IdentifiedCaller,
  context: DelegateTokenContext,
): Promise<DelegateToken> {
  if (caller.delegate === undefined) {
    throw new AAuthError('insufficient_level', 'this endpoint serves delegates: sign with hwk or an agent token')
  }
  const sub = caller.delegate
  const jkt = caller.key.thumbprint
  // Were its requests remembered, a revoked delegate could fill the replay set with them and stop the others' renewals.
  if (!(await context.delegates.isCurrent(sub, jkt))) throw refusedKey()
  await checkReplay({ replay: sharedByDelegate(context.replay, sub), verified, partition: 'token' })
  if (message.body !== undefined && message.body.length > 0) {
    throw new AAuthError(
      'invalid_request',
      'a renewal has an empty body; changing the key by rotation is not supported',
    )
  }
  await context.delegates.renew(sub, jkt)
  context.onEvent({ type: 'renewed', sub, jkt, ...peerOf(caller) })
  return issue(sub, caller, context)
}

/** Every caller here is of the one agent, so that a share per agent would be one for all. */
function sharedByDelegate(replay: ReplaySet, sub: string): ReplaySet {
  return { check: entry => replay.check({ ...entry, principal: sub }) }
}

async function issue(
  sub: string,
  caller: PseudonymousCaller | IdentifiedCaller,
  context: DelegateTokenContext,
): Promise<DelegateToken> {
  const { issuer, now } = context
  const agent_token = await issueAgentToken(issuer, { sub, jwk: caller.key.publicJwk, now: now() })
  return { agent_token, expires_in: issuer.lifetime }
}

function peerOf(caller: { readonly peer?: string }): { peer?: string } {
  return caller.peer === undefined ? {} : { peer: caller.peer }
}
