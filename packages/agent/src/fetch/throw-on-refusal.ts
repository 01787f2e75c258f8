import { AgentError } from '../error.js'
import { type Explanation, explain, type Outcome } from '../explanation.js'

/**
 * The error of {@link throwOnRefusal} for a call that was refused.
 * The message is the reason of `explain`; `cause` holds the status and the outcome.
 */
export class RefusedError extends AgentError {
  // Private: a printed error must not leave the resource token of a challenge in a log.
  readonly #response: Response

  constructor(response: Response, { outcome, reason }: Explanation) {
    super('refused', `${response.status}: ${reason ?? 'refused'}`, { status: response.status, outcome })
    this.#response = response
  }

  /** The response, its body unread. `explain` takes it. */
  get response(): Response {
    return this.#response
  }
}

/** `redirect` and `answered` are not among them: the caller works with these responses, such as a 404 of the API. */
const refusedOutcomes: readonly Outcome[] = ['refused', 'gave_up', 'unknown', 'withheld']

/**
 * Wraps the fetch of an agent so that a refusal rejects instead of resolving to the response.
 * @param agentFetch `agent.fetch`, or the `fetch` of a view
 * @throws RefusedError when the outcome is `refused`, `gave_up`, `unknown` or `withheld`; else the errors of `agent.fetch`
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
