import { AgentError, type AgentErrorCode } from '../error.js'
import { describeSkew } from '../wire/retry-after.js'

/** With these the challenge in hand is the best answer there is; other errors mean there is no honest one at all. */
const givesUp: ReadonlySet<AgentErrorCode> = new Set([
  'denied',
  'not_allowed',
  'interaction_required',
  'unsupported',
  'invalid_resource_token',
])

/** Why the challenge of `host` could not be met, in a sentence; undefined when the error must reach the caller. */
export function reasonToGiveUp(error: unknown, host: string): string | undefined {
  // A url is what the caller needs to go on, and a response could not carry it.
  if (!(error instanceof AgentError) || !givesUp.has(error.code) || error.url !== undefined) return undefined
  return `${error.message}${describeFacts(error)}; so the challenge of ${host} could not be met`
}

/** The facts of a refusal that help: a status and an error code, an issuer, a claim, a clock; never a token. */
function describeFacts({ cause }: AgentError): string {
  const { status, error, skew, authServer, member } = (cause ?? {}) as {
    readonly [fact in 'error' | 'authServer' | 'member']?: string
  } & { readonly status?: number; readonly skew?: number }
  const facts = [status, error, authServer, member].filter(fact => fact !== undefined).join(' ')
  return `${facts && ` (${facts})`}${skew === undefined ? '' : `; ${describeSkew(skew)}`}`
}
