import type { Level } from '@countersign/protocol'

/** The kind of a step. */
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

/** One step of the agent on the way to its response. Holds no token, key or code. */
export interface Step {
  readonly what: StepKind
  /** Status of the response, for a step that has one. */
  readonly status?: number
  /** A sentence. */
  readonly detail: string
}

/**
 * How the call ended: `answered` the resource answered · `refused` the resource refused, and no level would help ·
 * `gave_up` a challenge was not followed, and `reason` says why · `redirect` the response points to another origin ·
 * `unknown` the resource has seen this request before and may or may not have acted on it · `withheld` the resource has carried out
 * the request, and a condition of the grant keeps its answer back: sent again, it would be carried out twice.
 */
export type Outcome = 'answered' | 'refused' | 'gave_up' | 'redirect' | 'unknown' | 'withheld'

/** What `agent.fetch` did for one response, step by step. */
export interface Explanation {
  /** The level of the request that got this response. */
  readonly level: Level
  readonly steps: readonly Step[]
  readonly outcome: Outcome
  /** Why the call ended so, in a sentence; absent when the outcome is `answered`. */
  readonly reason?: string
}

/** Records a step at an origin. */
export type Tell = (origin: string, what: StepKind, detail: string, status?: number) => void

/** A step as it happens, with the origin it happened at. */
export interface AgentEvent extends Step {
  readonly origin: string
}

/** The steps of one call so far, for `explain` and `onEvent`. */
export interface StepLog {
  readonly note: Tell
  explanation(level: Level, outcome: Outcome, reason?: string): Explanation
}

export function startStepLog(onEvent: ((event: AgentEvent) => void) | undefined): StepLog {
  // bound: one call
  const steps: Step[] = []
  return {
    note(origin, what, detail, status) {
      const step = { what, ...(status === undefined ? {} : { status }), detail }
      steps.push(step)
      onEvent?.({ ...step, origin })
    },
    explanation: (level, outcome, reason) => ({
      level,
      steps: [...steps],
      outcome,
      ...(reason === undefined ? {} : { reason }),
    }),
  }
}

// A property and no WeakMap, of which each garbage collection would go through the entries of all responses.
const explained = Symbol()

interface Explained extends Response {
  [explained]?: Explanation
}

/** Attaches an explanation to a response and returns the response. */
export function attachExplanation(response: Response, explanation: Explanation): Response {
  const to: Explained = response
  to[explained] = explanation
  return response
}

/**
 * Returns what the agent did to get this response, and why the resource refused if it did.
 * @throws TypeError when the response did not come from `agent.fetch`; a clone did not
 * @example
 * ```ts
 * import { createAgent, explain, pseudonym } from '@countersign/agent'
 *
 * const agent = createAgent({ identity: pseudonym() })
 * const response = await agent.fetch('https://calendar.example/holidays')
 * for (const { detail } of explain(response).steps) console.log(detail)
 * ```
 */
export function explain(response: Response): Explanation {
  const explanation = (response as Explained)[explained]
  if (explanation === undefined) throw new TypeError('this response did not come from agent.fetch')
  return explanation
}
