import { AgentError, refusalOf } from '@countersign/agent/exchange'
import { SigningKeyError } from '@countersign/httpsig'
import { AAuthError, asAAuthError } from '@countersign/protocol'
import type { Refusal } from './decision.js'

/**
 * What a resource tells its caller when what the request needs downstream cannot be had; undefined for what is no failure
 * of others, such as a body too large to be signed.
 * @see protocol §7 "A middle's own answers"
 */
export function refusalAfter(thrown: unknown): Refusal | undefined {
  // Its own: the deadline, that no more users can be asked now, or that its signer is away.
  if (thrown instanceof AAuthError) return { error: thrown, ask: 'nothing' }
  if (thrown instanceof SigningKeyError) return { error: asAAuthError(thrown), ask: 'nothing' }
  if (!(thrown instanceof AgentError)) return undefined
  switch (thrown.code) {
    case 'denied':
      return afterDenial(thrown)
    case 'not_allowed':
      return { error: denied(thrown), ask: 'nothing' }
    case 'network':
    case 'unreachable':
    case 'invalid_answer':
    case 'invalid_resource_token':
    // Asked of a request that does not say who it is, so that nobody would know whom the user comes back to.
    case 'interaction_required':
    case 'unsupported':
      return { error: away(thrown), ask: 'nothing' }
    default:
      return undefined
  }
}

function afterDenial(thrown: AgentError): Refusal {
  const { error, status } = refusalOf(thrown) ?? {}
  if (error === 'invalid_auth_token' || error === 'untrusted_issuer') {
    const description = 'the auth token of this request is not accepted where it is needed further on'
    // Said who it is, the agent is told what it needs, and may bring a token that lives.
    return { error: new AAuthError('invalid_auth_token', description, { cause: thrown }), ask: 'identity' }
  }
  return { error: status === 403 ? denied(thrown) : away(thrown), ask: 'nothing' }
}

function denied(cause: AgentError): AAuthError {
  return new AAuthError('access_denied', 'what this request needs further on was refused', { cause })
}

/** Others are away or answer what they must not: neither is the caller's doing, and it may pass. */
export function away(cause?: unknown): AAuthError {
  const description = 'what this request needs further on is away'
  return new AAuthError('temporarily_unavailable', description, { retryAfter: 5, cause })
}
