import type { Level } from '@countersign/protocol'

/** What kind of thing the agent did. */
export type StepKind =
  | 'request'
  | 'challenge'
  | 'sign'
  | 'identify'
  | 'enroll'
  | 'renew'
  | 'rotate'
  | 'authorize'
  | 'refresh'
  | 'interact'
  | 'redirect'
  | 'wait'
  | 'stop'

/** One thing the agent did on the way to its response. Holds no token, key or code. */
export interface Step {
  readonly what: StepKind
  /** Status of the response this step is about. */
  readonly status?: number
  /** A sentence. */
  readonly detail: string
}

/**
 * How it ended: `answered` the resource did its work · `refused` the resource said no and no level would help ·
 * `gave_up` a challenge was not followed, and `reason` says why · `redirect` the response points to another origin ·
 * `unknown` the resource saw this request before, so it may have acted on it or not.
 */
export type Outcome = 'answered' | 'refused' | 'gave_up' | 'redirect' | 'unknown'

/** What `agent.fetch` did for one response, step by step. */
export interface Explanation {
  /** The level of the request that got this response. */
  readonly level: Level
  readonly steps: readonly Step[]
  readonly outcome: Outcome
  /** Why there is no better outcome, in a sentence; absent when the outcome is `answered`. */
  readonly reason?: string
}

/** Notes a step at an origin. */
export type Tell = (origin: string, what: StepKind, detail: string, status?: number) => void

/** A step as it happens, with the origin it happened at. */
export interface AgentEvent extends Step {
  readonly origin: string
}

// Held per response and by nothing else, so that it lives exactly as long as the response does.
const explanations = new WeakMap<Response, Explanation>()

/** Attaches its explanation to a response. */
export function attachExplanation(response: Response, explanation: Explanation): Response {
  explanations.set(response, explanation)
  return response
}

/**
 * What the agent did to get this response, and why it was refused, if it was.
 * @throws TypeError when the response did not come from `agent.fetch` (a clone counts as another response)
 */
export function explain(response: Response): Explanation {
  const explanation = explanations.get(response)
  if (explanation === undefined) throw new TypeError('this response did not come from agent.fetch')
  return explanation
}
