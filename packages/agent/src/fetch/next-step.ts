import { type Level, satisfies } from '@countersign/protocol'
import type { Outcome } from '../explanation.js'
import { asksNoLevel, type ResponseFacts } from '../wire/response-facts.js'
import { describeSkew, retryDelay } from '../wire/retry-after.js'

/** What the agent has done so far for one call: the bounds that end every climb. */
export interface Progress {
  /** Level of the request that was just answered. */
  readonly level: Level
  /** Authorization rounds, at most two. */
  readonly rounds: number
  /** Whether a 429 was followed already. */
  readonly followedLimit: boolean
  /** Whether a 503 was waited out already. */
  readonly waited: boolean
  /** Whether the resource named components it wants covered once already. */
  readonly covered: boolean
  /** Whether it carried the code of an interaction. */
  readonly coded: boolean
  /** Whether sending the request twice does no more than sending it once. */
  readonly safe: boolean
}

/** What to do with an answer. */
export type NextStep =
  | { readonly do: 'return'; readonly outcome: Outcome; readonly reason?: string }
  | { readonly do: 'sign' }
  | { readonly do: 'identify' }
  | { readonly do: 'authorize'; readonly resourceToken: string; readonly authServer: string }
  | { readonly do: 'interact'; readonly url: string }
  | { readonly do: 'forget' }
  | { readonly do: 'cover'; readonly components: readonly string[] }
  | { readonly do: 'wait'; readonly seconds: number }

const maxRounds = 2

/**
 * Decides how to go on after an answer of `host`. Every step either raises the level, spends one of two authorization
 * rounds, or can be taken once, so that no resource can keep an agent going (protocol §4 (4)).
 */
export function decideNextStep(answer: ResponseFacts, progress: Progress, host: string): NextStep {
  const { status, error, agentAuth } = answer
  // Sent again it could act twice: whether the first one did is not for the agent to guess (protocol §3.7).
  if (status === 401 && error === 'replay_detected')
    return stopWith('unknown', `${host} has seen this request before: whether it acted on it is unknown`)
  if (status === 503) return decideUnavailable(answer, progress, host)
  // Used, or of before the resource was started anew: what the user agreed to is remembered elsewhere (protocol §7). A handler that
  // issues tokens answers so, too: an unsafe request is not repeated on it.
  if (status === 400 && error === 'invalid_grant' && progress.coded && progress.safe) return { do: 'forget' }
  if (status !== 401 && status !== 403 && status !== 429) return { do: 'return', outcome: 'answered' }
  if (agentAuth === undefined) return stopWith('refused', describeUnchallenged(answer, host))
  if (agentAuth === 'malformed') return stopWith('gave_up', `the challenge of ${host} cannot be read`)
  if (status === 429 && progress.followedLimit) return stopWith('refused', `${host} limits this level, too`)
  const missing = missingComponents(answer, progress)
  if (missing.length > 0) return { do: 'cover', components: missing }
  if (agentAuth.userInteraction !== undefined) return { do: 'interact', url: agentAuth.userInteraction }
  if (agentAuth.resourceToken !== undefined && agentAuth.authServer !== undefined)
    return decideAuthorized(progress, host, {
      resourceToken: agentAuth.resourceToken,
      authServer: agentAuth.authServer,
    })
  return agentAuth.identity === true
    ? decideIdentified(answer, progress, host)
    : decidePseudonymous(answer, progress, host)
}

function decidePseudonymous(answer: ResponseFacts, { level }: Progress, host: string): NextStep {
  return level === 'anonymous' ? { do: 'sign' } : stopWith('refused', describeRefusal(answer, host))
}

function decideIdentified(answer: ResponseFacts, { level, rounds }: Progress, host: string): NextStep {
  if (!satisfies(level, 'identified')) return { do: 'identify' }
  // An auth token that failed is answered by this challenge: identified, the agent is told what it needs now.
  if (level === 'authorized' && answer.status === 401 && rounds < maxRounds) return { do: 'identify' }
  return stopWith('refused', describeRefusal(answer, host))
}

function decideAuthorized(
  { level, rounds }: Progress,
  host: string,
  challenge: { readonly resourceToken: string; readonly authServer: string },
): NextStep {
  // Nobody can make out a token for an agent that has not said who it is.
  if (!satisfies(level, 'identified'))
    return stopWith('gave_up', `${host} gave a resource token to a request that named nobody`)
  if (rounds >= maxRounds) return stopWith('gave_up', `${host} was not satisfied after two authorization rounds`)
  return { do: 'authorize', ...challenge }
}

/**
 * An unsafe request goes out again only where the resource says that nothing was done for it, whatever else the answer
 * looks like: a handler that failed may have acted before (protocol §3.7).
 */
function decideUnavailable(answer: ResponseFacts, { level, waited, safe }: Progress, host: string): NextStep {
  const { agentAuth, error, retryAfter } = answer
  const isOurs = error === 'temporarily_unavailable'
  const mayRepeat = asksNoLevel(agentAuth) || (safe && isOurs && level !== 'anonymous')
  const seconds = mayRepeat && !waited ? retryDelay(retryAfter) : undefined
  if (seconds !== undefined) return { do: 'wait', seconds }
  return mayRepeat || isOurs ? stopWith('refused', `${host} cannot answer now`) : { do: 'return', outcome: 'answered' }
}

/** Components the resource demands and the last signature lacked; only a signature can lack them. */
function missingComponents(
  { status, error, requiredComponents }: ResponseFacts,
  { level, covered }: Progress,
): readonly string[] {
  if (status !== 401 || error !== 'invalid_signature' || level === 'anonymous' || covered) return []
  return requiredComponents.filter(name => !alwaysCovered.test(name))
}

/** Always covered where the request has them (protocol §3.4). */
const alwaysCovered = /^(?:@(?:method|authority|path|query)|signature-key|content-(?:digest|type))$/

function describeUnchallenged(answer: ResponseFacts, host: string): string {
  const said = describeRefusal(answer, host)
  const { asksBy } = answer
  if (asksBy === undefined) return said
  return /^A/.test(asksBy)
    ? `${said}; ${asksBy} is of a later edition of AAuth`
    : `${said}; it offers another scheme, and the agent never falls back to one by itself`
}

const sentences: Readonly<Record<string, string>> = {
  insufficient_scope: 'needs a scope that no auth server can grant here',
  policy_denied: 'does not admit this agent',
  rate_limited: 'limits this level: try later',
  invalid_agent_token: 'does not accept how the agent says who it is',
  invalid_auth_token: 'does not accept the auth token',
  untrusted_issuer: 'does not trust the issuer of the token',
  unsupported_algorithm: 'does not accept the algorithm of the key',
  discovery_failed: 'could not read the metadata or keys of the agent',
}

function describeRefusal({ status, error, skew }: ResponseFacts, host: string): string {
  if (error === 'invalid_signature' && skew !== undefined)
    return `${host} does not accept the signature: ${describeSkew(skew)}`
  if (error === 'invalid_signature') return `${host} does not accept the signature`
  const sentence = error === undefined ? undefined : sentences[error]
  if (sentence !== undefined) return `${host} ${sentence}`
  return error === undefined ? `${host} answered ${status}` : `${host} answered ${status} ${error}`
}

function stopWith(outcome: Outcome, reason: string): NextStep {
  return { do: 'return', outcome, reason }
}
