import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { headerLines } from '../../../wire/message.js'
import type { JsonObject } from '../../shared/json.js'
import { Refusal } from '../../shared/refusal.js'
import type { PeerRequest } from '../../shared/request.js'
import type { Called } from '../errands.js'
import { callDownstream } from '../exchange.js'
import { badMessage, type Message } from './message.js'
import { ownerOf } from './owner.js'
import type { McpState } from './state.js'

/** A call of a tool that may run. */
export interface ToolCall {
  readonly request: PeerRequest
  readonly message: Message
  readonly called: Called | undefined
  readonly state: McpState
}

/** What a tool does. */
export type Tool = (call: ToolCall) => Promise<JsonObject>

export const textResult = (text: string): JsonObject => ({ content: [{ type: 'text', text }] })
const done: Tool = async () => textResult('done')

/** Headers that no server behind the guard sees. */
const credentials = /^(?:signature|signature-input|signature-key|authorization)$/i

/** The tool that answers late, after a notification. */
export const lateTool = 'wait'

/** All tools, by name. */
export const tools: Readonly<Record<string, Tool>> = {
  list: done,
  add: done,
  plan: done,
  write: done,
  meet: done,
  [lateTool]: async () => sleep(4500, textResult('done')),
  show: async ({ request }) => textResult(JSON.stringify(request.headers.filter(([name]) => !credentials.test(name)))),
  hop: async call => textResult(String((await hop(call)).status)),
  ask,
  pick,
  report: beginTask,
  cancel: beginTask,
}

function hop({ called }: ToolCall): ReturnType<typeof callDownstream> {
  if (called === undefined) throw badMessage('caller_unknown', 'the tool needs a caller')
  return callDownstream(called)
}

async function ask({ message, called, state }: ToolCall): Promise<JsonObject> {
  if (message.params['inputResponses'] !== undefined) return textResult('answered')
  const requestState = randomUUID()
  state.questions.set(requestState, { owner: ownerOf(called), tool: 'ask' })
  const params = { mode: 'form', message: 'Who?', requestedSchema: { type: 'object', properties: {} } }
  return {
    resultType: 'input_required',
    inputRequests: { who: { method: 'elicitation/create', params } },
    requestState,
  }
}

/** A header repeats its argument, and is not covered. */
async function pick({ request, message }: ToolCall): Promise<JsonObject> {
  const [said, ...more] = headerLines(request, 'mcp-param-region')
  const { region } = Object(message.params['arguments'])
  if (said !== region || more.length > 0)
    throw badMessage('header_mismatched', 'Mcp-Param-Region does not say what the arguments say')
  return textResult(String(said))
}

/** What a task looks like from outside. */
export function taskResult(taskId: string): JsonObject {
  const now = new Date().toISOString()
  return { taskId, status: 'working', createdAt: now, lastUpdatedAt: now, ttlMs: null, pollIntervalMs: 1000 }
}

async function beginTask({ message, called, state }: ToolCall): Promise<JsonObject> {
  const taskId = randomUUID()
  state.tasks.set(taskId, { owner: ownerOf(called), tool: String(message.params['name']) })
  return { resultType: 'task', ...taskResult(taskId) }
}

/** Asks for the user by a request for input, where the client can send them to a URL. @see protocol §12 */
export function askedByInput(error: unknown, { message, called, state }: ToolCall): JsonObject {
  const challenge = error instanceof Refusal ? (error.details.headers?.['agent-auth'] ?? '') : ''
  const url = /user_interaction="([^"]*)"/.exec(challenge)?.[1]
  const capabilities = Object(Object(message.params['_meta'])['io.modelcontextprotocol/clientCapabilities'])
  if (url === undefined || Object(capabilities.elicitation).url === undefined) throw error
  const requestState = randomUUID()
  state.questions.set(requestState, { owner: ownerOf(called), tool: String(message.params['name']) })
  const params = { mode: 'url', url, message: 'Your user is needed.', elicitationId: requestState }
  return {
    resultType: 'input_required',
    inputRequests: { user: { method: 'elicitation/create', params } },
    requestState,
  }
}
