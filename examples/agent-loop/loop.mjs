// The loop of an agent: a model chooses the next call, the agent makes it, and the model reads the answer. APIs that need a user's
// consent get it on the way, and a refusal comes back to the model in words.
import { AgentError, explain } from '@countersign/agent'

/** Most calls of one task. */
const mostSteps = 10

/**
 * Runs a task.
 * @param o.agent made by `createAgent`
 * @param o.think called with the task and what has happened; returns `{ call: { url, method?, body? } }` or `{ answer }`
 * @param o.allowed origins that the model may call: a model does what a page tells it, so it must not choose freely
 * @param o.onStep told of each call
 */
export async function runTask({ agent, task, think, allowed, onStep = () => undefined }) {
  const history = []
  for (let step = 0; step < mostSteps; step++) {
    const { call, answer } = await think({ task, history })
    if (answer !== undefined) return { answer, history }
    const result = await perform(agent, call, allowed)
    history.push({ call, result })
    onStep({ call, result })
  }
  return { answer: 'I did not finish in time.', history }
}

/** Makes one call; what went wrong is told in words, which a model understands. */
async function perform(agent, { url, method = 'GET', body }, allowed) {
  if (!URL.canParse(url) || !allowed.includes(new URL(url).origin)) return { refused: 'this address is not allowed' }
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body), headers: json }
  try {
    const response = await agent.fetch(url, init)
    if (!response.ok) return { status: response.status, refused: explain(response).reason }
    // A page of a megabyte would fill the context of the model.
    return { status: response.status, text: (await response.text()).slice(0, 20_000) }
  } catch (error) {
    // The user said no, or nobody could be asked.
    if (error instanceof AgentError) return { refused: error.message }
    throw error
  }
}

const json = { 'content-type': 'application/json' }
