import { type Level, satisfies } from '@countersign/protocol'
import type { Outcome } from '../explanation.js'
import { asksNoLevel, type ResponseFacts } from '../wire/response-facts.js'
import { describeSkew, retryDelay } from '../wire/retry-after.js'

/** What the agent has done so far for one call. Each member is a bound that ends the call. */
export interface Progress {
  /** Level of the request that was just answered. */
  readonly level: Level
  /** Authorization rounds, at most two. */
  readonly rounds: number
  /** Whether a 429 has raised the level already. */
  readonly followedLimit: boolean
  /** Whether the agent has waited after a 503 already. */
  readonly waited: boolean
  /** Whether the resource has demanded more covered components already. */
  readonly covered: boolean
  /** Whether the request carried the code of an interaction. */
  readonly coded: boolean
  /** Whether the method is safe, so that the request may be repeated. */
  readonly safe: boolean
}

/** What to do after a response. */
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
 * Decides the next step after a response of `host`. Every step raises the level, spends one of two authorization
 * rounds or of two approvals, or can be taken once only, so that no resource can keep an agent going for ever.
 * @see protocol §4 (4)
 */
export function decideNextStep(answer: ResponseFacts, progress: Progress, host: string): NextStep {
  const { status, error, agentAuth } = answer
  // Not sent again: the resource may have acted on the first request, and would act twice (protocol §3.7).
  if (status === 401 && error === 'replay_detected')
    // sig.replay.agent
    return stopWith('unknown', `${host} has seen this request before: whether it acted on it is unknown`)
  // Nor is this one, whatever challenge stands beside it: it was carried out, and would be once more (protocol §9, DEL-63).
  if (status === 403 && answer.reason === 'answer_withheld')
    return stopWith('withheld', `${host} has carried out the request, and may not show its answer (answer_withheld)`)
  if (status === 503) return decideUnavailable(answer, progress, host)
  // The interaction code was used, or the resource has restarted since. The consent outlives the code (protocol §7). A token
  // endpoint behind the guard gives the same answer, so an unsafe request is not repeated.
  if (status === 400 && error === 'invalid_grant' && progress.coded && progress.safe) return { do: 'forget' }
  if (status !== 401 && status !== 403 && status !== 429) return { do: 'return', outcome: 'answered' }
  if (agentAuth === undefined) return stopWith('refused', describeUnchallenged(answer, host)) // agent.final
  if (agentAuth === 'malformed') return stopWith('gave_up', `the challenge of ${host} cannot be read`)
  if (status === 429 && progress.followedLimit)
    return stopWith('refused', withReason(answer, `${host} limits this level, too`))
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
  // A resource answers a failed auth token with this challenge; to the identified agent it then says what it needs.
  if (level === 'authorized' && answer.status === 401 && rounds < maxRounds) return { do: 'identify' }
  return stopWith('refused', describeRefusal(answer, host))
}

function decideAuthorized(
  { level }: Progress,
  host: string,
  challenge: { readonly resourceToken: string; readonly authServer: string },
): NextStep {
  // A resource token names the agent, and this agent has not identified itself.
  if (!satisfies(level, 'identified'))
    // challenge.verified-only
    return stopWith('gave_up', `${host} gave a resource token to a request without identity`)
  return { do: 'authorize', ...challenge }
}

/**
 * Repeats an unsafe request only when the 503 says that nothing was done for it: a handler that failed may have acted.
 * @see protocol §3.7
 */
function decideUnavailable(answer: ResponseFacts, { level, waited, safe }: Progress, host: string): NextStep {
  const { agentAuth, error, retryAfter } = answer
  const isOurs = error === 'temporarily_unavailable'
  const mayRepeat = asksNoLevel(agentAuth) || (safe && isOurs && level !== 'anonymous')
  const seconds = mayRepeat && !waited ? retryDelay(retryAfter) : undefined
  if (seconds !== undefined) return { do: 'wait', seconds }
  return mayRepeat || isOurs
    ? stopWith('refused', withReason(answer, `${host} cannot answer now`))
    : { do: 'return', outcome: 'answered' }
}

/** Returns the components that the resource demands and the last signature did not cover. */
function missingComponents(
  { status, error, requiredComponents }: ResponseFacts,
  { level, covered }: Progress,
): readonly string[] {
  if (status !== 401 || error !== 'invalid_signature' || level === 'anonymous' || covered) return []
  return requiredComponents.filter(name => !alwaysCovered.test(name))
}

/** Covered in every signature, when the request has them. @see protocol §3.4 */
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

/** The sentence for the user, with the reason that the resource gave. */
function describeRefusal(answer: ResponseFacts, host: string): string {
  return withReason(answer, sentenceOf(answer, host))
}

const withReason = ({ reason }: ResponseFacts, said: string): string => (reason ? `${said} (${reason})` : said)

function sentenceOf({ status, error, skew }: ResponseFacts, host: string): string {
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
