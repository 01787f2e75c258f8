import { randomUUID } from 'node:crypto'
import type { JsonObject } from '../../shared/json.js'
import { jsonAnswer, type PeerAnswer, refusing } from '../../shared/refusal.js'
import { badMessage, type Message } from './message.js'
import { continued, type Owner, ownerOf } from './owner.js'
import { commonResult, type Exchange } from './results.js'
import type { Begun, McpState } from './state.js'
import { endOf, eventsFrom, type Stream } from './streams.js'
import { askedByInput, taskResult, tools } from './tools.js'

/** Answers what the guard let pass, by what it carries. @see protocol §12 */
export async function answerAlone(exchange: Exchange): Promise<PeerAnswer> {
  const { request, message } = exchange
  if (message === undefined || request.method !== 'POST') return { status: 405, headers: { allow: 'POST' } }
  if (message.id === undefined) return { status: 202 }
  if (message.method === 'subscriptions/listen') return subscribe(exchange)
  const result = await resultOf(exchange, message)
  return jsonAnswer({ jsonrpc: '2.0', id: message.id, result })
}

async function resultOf(exchange: Exchange, message: Message): Promise<JsonObject> {
  const { method } = message
  if (method === 'server/discover') return discovered(exchange)
  if (method === 'tools/call') return call(exchange, message)
  if (method.startsWith('tasks/')) return aboutTask(exchange, message)
  const result = commonResult(exchange, message)
  return { resultType: 'complete', ...result, ...(method.endsWith('/list') && { cacheScope: 'private', ttlMs: 0 }) }
}

function discovered({ rules }: Exchange): JsonObject {
  const aauth = { edition: '2026-01', authorization: 'Agent-Auth' }
  return {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    serverInfo: { name: rules.path, version: '1' },
    capabilities: {
      ...{ tools: { listChanged: true }, prompts: {}, resources: { subscribe: true } },
      extensions: { 'io.github.countersign-dev/aauth': aauth },
    },
  }
}

async function call({ request, admitted: { called }, state }: Exchange, message: Message): Promise<JsonObject> {
  const name = String(message.params['name'])
  const tool = tools[name]
  if (tool === undefined) throw badMessage('tool_unknown', 'there is no such tool')
  takeQuestion(message, ownerOf(called), state)
  const about = { request, message, called, state }
  const result = await tool(about).catch((error: unknown) => askedByInput(error, about))
  return { resultType: 'complete', ...result }
}

/** A caller answers a question of its own, once. */
function takeQuestion({ params }: Message, owner: Owner, { questions }: McpState): void {
  const { requestState, name } = params
  if (requestState === undefined) return
  const question = questions.get(String(requestState))
  if (question?.tool !== name || !isOf(question, owner)) throw badMessage('state_unknown', 'the state is unknown')
  questions.delete(String(requestState))
}

function isOf(begun: Begun | undefined, owner: Owner): boolean {
  return begun !== undefined && continued(begun.owner, owner) !== undefined
}

function aboutTask({ admitted, rules, state }: Exchange, { method, params }: Message): JsonObject {
  const id = String(params['taskId'])
  const task = state.tasks.get(id)
  if (task === undefined || !isOf(task, ownerOf(admitted.called)))
    throw badMessage('task_unknown', 'the task is unknown')
  if (method === 'tasks/update' && rules.tools[task.tool]?.isApproved)
    throw badMessage('task_approved', 'the call was approved without this input')
  return { resultType: 'complete', ...(method === 'tasks/get' && taskResult(id)) }
}

/** Opens a subscription, where its caller has room for one. */
function subscribe({ admitted, rule, state, site }: Exchange): PeerAnswer {
  const leave = state.shares.enter(ownerOf(admitted.called))
  if (leave === undefined)
    throw refusing(503, 'temporarily_unavailable')('subscriptions_too_many', 'it is one subscription too many')
  const acknowledged = { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: {} }
  const events = [JSON.stringify(acknowledged)]
  const stream: Stream = { id: randomUUID(), session: '', rule, events, isOver: false }
  const answer = eventsFrom(stream, 0, endOf(admitted, site))
  return { ...answer, events: endingWith(answer.events ?? [], leave) }
}

async function* endingWith(
  events: AsyncIterable<string> | readonly string[],
  leave: () => void,
): AsyncGenerator<string> {
  try {
    yield* events
  } finally {
    leave()
  }
}
