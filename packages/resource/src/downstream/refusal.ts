import { AgentError } from '@countersign/agent'
import { refusalOf } from '@countersign/agent/internal'
import { SigningKeyError } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { asAAuthError, refusal } from '@countersign/protocol/internal'
import type { Refusal } from '../guard/decision.js'

/**
 * The refusal for the caller when a downstream call of the request failed; undefined if the failure is not one of the other
 * services, such as a body too large to be signed.
 * @see protocol §7 "A middle's own answers"
 */
export function refusalAfter(thrown: unknown): Refusal | undefined {
  // This resource's own: its deadline, too many open questions, or its signer is unavailable.
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
    // The request was not identified, so the service would not know to which agent the user must return.
    case 'interaction_required':
    case 'unsupported':
      return { error: unusable(thrown), ask: 'nothing' }
    default:
      return undefined
  }
}

function afterDenial(thrown: AgentError): Refusal {
  const { error, status } = refusalOf(thrown) ?? {}
  if (error === 'invalid_auth_token' || error === 'untrusted_issuer') {
    // Once identified, the agent gets a new challenge, and can return with a valid token.
    return {
      error: refusal('downstream_refused', { code: 'invalid_auth_token', cause: thrown }),
      ask: 'identity',
    }
  }
  return { error: status === 403 ? denied(thrown) : refusedItself(thrown, { status, error }), ask: 'nothing' }
}

/**
 * The auth server refuses this resource itself (a 401 for its key or signature), or a limit is exceeded. The caller can do nothing
 * about it, and the operator of this resource must see the answer.
 */
function refusedItself(
  cause: AgentError,
  { status, error }: { status?: number | undefined; error?: string | undefined },
): AAuthError {
  // `error` is 1 to 64 characters of `a-z _`: the agent passes nothing else on.
  const answer = [status, error].filter(part => part !== undefined).join(' ')
  return unusable(cause, `an auth server answered ${answer}`)
}

function denied(cause: AgentError): AAuthError {
  return refusal('downstream_refused', { cause })
}

/** Another service does not answer or answers wrongly. The caller did not cause it, and a retry may succeed. */
export function away(cause?: unknown): AAuthError {
  return refusal('dependency_unavailable', { retryAfter: 5, cause })
}

function unusable(cause: unknown, about?: string): AAuthError {
  return refusal('dependency_invalid', { about, retryAfter: 5, cause })
}
