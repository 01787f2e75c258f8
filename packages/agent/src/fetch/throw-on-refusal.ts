import { AgentError } from '../error.js'
import { type Explanation, explain, type Outcome } from '../explanation.js'

/**
 * A call that ended in a refusal, for those who would rather catch it than look at a response.
 * The message is the reason that `explain` gives; `cause` holds the status and the outcome.
 */
export class RefusedError extends AgentError {
  // Private, so that printing the error does not put a resource token of a challenge into a log.
  readonly #response: Response

  constructor(response: Response, { outcome, reason }: Explanation) {
    super('refused', `${response.status}: ${reason ?? 'refused'}`, { status: response.status, outcome })
    this.#response = response
  }

  /** The response as the agent got it, its body unread; `explain` knows it. */
  get response(): Response {
    return this.#response
  }
}

/** `redirect` and `answered` are responses to work with: a 404 of the API is its answer. */
const refusedOutcomes: readonly Outcome[] = ['refused', 'gave_up', 'unknown']

/**
 * The fetch of an agent, which rejects where the agent was refused in place of resolving to that response.
 * @param agentFetch `agent.fetch`, or that of a view
 * @throws RefusedError where the outcome is `refused`, `gave_up` or `unknown`; else what `agent.fetch` throws
 */
export function throwOnRefusal(agentFetch: typeof fetch): typeof fetch {
  if (typeof agentFetch !== 'function') throw new TypeError('throwOnRefusal takes a function: agent.fetch')
  return async (input, init) => {
    const response = await agentFetch(input, init)
    const explanation = explain(response)
    if (refusedOutcomes.includes(explanation.outcome)) throw new RefusedError(response, explanation)
    return response
  }
}
