import { randomUUID } from 'node:crypto'
import { headerValue } from '../../../wire/message.js'
import type { JsonObject } from '../../shared/json.js'
import { jsonAnswer, type PeerAnswer } from '../../shared/refusal.js'
import { badMessage, type Message } from './message.js'
import { continued, ownerOf } from './owner.js'
import { commonResult, type Exchange } from './results.js'
import { endOf, eventsFrom, type Stream } from './streams.js'
import { lateTool, tools } from './tools.js'

/** Answers what the guard let pass, in the session of its caller. @see protocol §12 */
export async function answerInSession(exchange: Exchange): Promise<PeerAnswer> {
  const { request, message, rules, state } = exchange
  if (message?.method === 'initialize') return openSession(exchange, message)
  const id = rules.isGateway ? '' : enterSession(exchange)
  if (request.method === 'DELETE') {
    state.sessions.delete(id)
    return { status: 204 }
  }
  if (request.method === 'GET') return listen(exchange, id)
  if (message === undefined) return { status: 405, headers: { allow: 'GET, POST, DELETE' } }
  if (message.id === undefined) return takeNotification(exchange, message, id)
  return answerByStream(exchange, message, id)
}

function openSession({ admitted, rules, state }: Exchange, { id }: Message): PeerAnswer {
  const session = randomUUID()
  state.sessions.set(session, { path: rules.path, owner: ownerOf(admitted.called) })
  const capabilities = { tools: {}, prompts: {}, resources: {} }
  const result = { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'peer', version: '1' } }
  const answer = jsonAnswer({ jsonrpc: '2.0', id, result })
  if (rules.isGateway) return answer
  return { ...answer, headers: { ...answer.headers, 'mcp-session-id': session } }
}

/** The id of the caller's own session. @throws Refusal as if there were none, where it is of another caller */
function enterSession({ request, admitted, rules, state }: Exchange): string {
  const id = headerValue(request, 'mcp-session-id') ?? ''
  const session = state.sessions.get(id)
  const owner = session === undefined ? undefined : continued(session.owner, ownerOf(admitted.called))
  if (session?.path !== rules.path || owner === undefined)
    throw badMessage('session_unknown', 'there is no such session', 404)
  session.owner = owner
  return id
}

/** Opens a stream, or goes on with one. */
function listen({ request, admitted, rule, state, site }: Exchange, session: string): PeerAnswer {
  const last = headerValue(request, 'last-event-id')
  const mustEnd = endOf(admitted, site)
  if (last === undefined) {
    const stream: Stream = { id: randomUUID(), session, rule, events: [''], isOver: false }
    state.streams.set(stream.id, stream)
    return eventsFrom(stream, 0, mustEnd)
  }
  const [id = '', event] = last.split('.')
  const stream = state.streams.get(id)
  if (stream?.session !== session) throw badMessage('stream_unknown', 'there is no such stream', 404)
  const next = Number(event) + 1
  return stream.isOver && next >= stream.events.length ? { status: 204 } : eventsFrom(stream, next, mustEnd)
}

function takeNotification({ state }: Exchange, { method, params }: Message, session: string): PeerAnswer {
  if (method === 'notifications/cancelled')
    for (const stream of state.streams.values())
      if (stream.session === session && stream.request === params['requestId']) stream.isOver = true
  return { status: 202 }
}

async function answerByStream(exchange: Exchange, message: Message, session: string): Promise<PeerAnswer> {
  const { rule, admitted, state, site } = exchange
  const { id } = message
  const stream: Stream = { id: randomUUID(), session, rule, request: id, events: [], isOver: false }
  const end = (result: JsonObject): void => {
    if (!stream.isOver) stream.events.push(JSON.stringify({ jsonrpc: '2.0', id, result }))
    stream.isOver = true
  }
  const isLate = message.method === 'tools/call' && message.params['name'] === lateTool
  const result = resultOf(exchange, message)
  if (isLate) {
    const params = { level: 'info', data: 'begun' }
    stream.events.push(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params }))
    void result.then(end)
  } else end(await result)
  state.streams.set(stream.id, stream)
  return eventsFrom(stream, 0, endOf(admitted, site))
}

async function resultOf(exchange: Exchange, message: Message): Promise<JsonObject> {
  const { request, admitted, state } = exchange
  if (message.method !== 'tools/call') return commonResult(exchange, message)
  const tool = tools[String(message.params['name'])]
  if (tool === undefined) throw badMessage('tool_unknown', 'there is no such tool')
  return tool({ request, message, called: admitted.called, state })
}
