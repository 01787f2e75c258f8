import { AgentError, refusalOf } from '@countersign/agent/exchange'
import { SigningKeyError } from '@countersign/httpsig'
import { AAuthError, asAAuthError } from '@countersign/protocol'
import type { Refusal } from '../guard/decision.js'

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
      return { error: away(thrown), ask: 'nothing' }
    case 'invalid_answer':
    case 'invalid_resource_token':
    // Asked of a request that does not say who it is, so that nobody would know whom the user comes back to.
    case 'interaction_required':
    case 'unsupported':
      return { error: unusable('what this request needs further on gives no usable answer', thrown), ask: 'nothing' }
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
  return { error: status === 403 ? denied(thrown) : refusedItself(thrown, { status, error }), ask: 'nothing' }
}

/**
 * The auth server refuses this resource itself (a 401 of its key or signature), or is over a limit. The caller can do nothing about
 * it, and whoever runs this resource must read what was answered.
 */
function refusedItself(
  cause: AgentError,
  { status, error }: { status?: number | undefined; error?: string | undefined },
): AAuthError {
  // `error` is 1 to 64 of `a-z _`: the agent lets nothing else through.
  const answer = [status, error].filter(part => part !== undefined).join(' ')
  return unusable(`the auth server that this request needs further on answered ${answer}`, cause)
}

function denied(cause: AgentError): AAuthError {
  return new AAuthError('access_denied', 'what this request needs further on was refused', { cause })
}

/** Others are away or answer what they must not: neither is the caller's doing, and it may pass. */
export function away(cause?: unknown): AAuthError {
  return unusable('what this request needs further on is away', cause)
}

function unusable(description: string, cause: unknown): AAuthError {
  return new AAuthError('temporarily_unavailable', description, { retryAfter: 5, cause })
}
