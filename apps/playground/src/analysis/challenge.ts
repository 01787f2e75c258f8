import { AAuthError, type AgentAuth, parseAgentAuth } from '@countersign/protocol'
import type { AnalyzedChallenge } from './analysis.js'

/** The value of Agent-Auth in words. */
export function analyzeChallenge(value: string): AnalyzedChallenge {
  try {
    const challenge = parseAgentAuth(value)
    return { value, asks: stepOf(challenge), parts: partsOf(challenge) }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    return { value, asks: 'nothing that an agent could do', parts: [], wrong: error.description }
  }
}

/** What the agent must do next. */
function stepOf(challenge: AgentAuth): string {
  if (challenge.userInteraction !== undefined) return 'Send your user to the page, then repeat the request.'
  if (challenge.authToken)
    return 'Get an auth token from the auth server, with the resource token; then repeat the request.'
  if (challenge.identity) return 'Say which agent you are: sign with a published key, or with an agent token.'
  return 'Sign the request, with any key.'
}

function partsOf({
  identity,
  authToken,
  resourceToken,
  authServer,
  userInteraction,
  algs,
}: AgentAuth): Array<readonly [string, string]> {
  return [
    ...(identity ? [['identity', 'the caller must have a name'] as const] : []),
    ...(authToken ? [['auth-token', 'the request needs an auth token'] as const] : []),
    ...(authServer === undefined ? [] : [['auth_server', `ask here: ${authServer}`] as const]),
    ...(resourceToken === undefined
      ? []
      : [['resource_token', 'the resource says in it, signed, which agent needs what'] as const]),
    // Only the origin: the link is for one user, and works for anyone who opens it.
    ...(userInteraction === undefined
      ? []
      : [['user_interaction', `the user opens a page of ${originOf(userInteraction)}`] as const]),
    ...(algs === undefined ? [] : [['algs', `algorithms that the receiver knows: ${algs.join(', ')}`] as const]),
  ]
}

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : 'no URL')
