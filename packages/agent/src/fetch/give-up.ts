import { AgentError, type AgentErrorCode } from '../error.js'
import { describeSkew } from '../wire/retry-after.js'

/** Errors after which the challenge is the best response to return. After any other there is no true response. */
const givesUp: ReadonlySet<AgentErrorCode> = new Set([
  'denied',
  'not_allowed',
  'interaction_required',
  'unsupported',
  'invalid_resource_token',
])

/** Returns why an error leaves the challenge of `host` unanswered, in a sentence; undefined when the caller must get the error. */
export function reasonToGiveUp(error: unknown, host: string): string | undefined {
  // The caller needs the url to go on, and a response cannot carry it.
  if (!(error instanceof AgentError) || !givesUp.has(error.code) || error.url !== undefined) return undefined
  return `${error.message}${describeFacts(error)}; so the challenge of ${host} could not be met`
}

/** Returns the facts of an error that help: status, error code, reason, issuer, claim, clock skew. Never a token. */
function describeFacts({ cause }: AgentError): string {
  const { status, error, reason, skew, authServer, member } = (cause ?? {}) as {
    readonly [fact in 'error' | 'reason' | 'authServer' | 'member']?: string
  } & { readonly status?: number; readonly skew?: number }
  const facts = [status, error, reason, authServer, member].filter(fact => fact !== undefined).join(' ')
  return `${facts && ` (${facts})`}${skew === undefined ? '' : `; ${describeSkew(skew)}`}`
}
