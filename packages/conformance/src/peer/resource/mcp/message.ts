import { headerLines, headerValue } from '../../../wire/message.js'
import { isObject, type JsonObject, parseJson, utf8 } from '../../shared/json.js'
import { Refusal } from '../../shared/refusal.js'
import type { PeerRequest } from '../../shared/request.js'
import { folded, hasFoldedTwins } from '../arguments.js'

/** A JSON-RPC message. */
export interface Message {
  /** Undefined of a notification, which is not answered. */
  readonly id: unknown
  readonly method: string
  readonly params: JsonObject
}

/** Refuses a message, as a JSON-RPC error. @see protocol §12 */
export function badMessage(reason: string, text: string, status = 400): Refusal {
  const error = { code: -32600, message: text, data: { error: 'invalid_request', reason } }
  return new Refusal(status, 'invalid_request', { reason, text, members: { jsonrpc: '2.0', id: null, error } })
}

/** Reads the one message of a body. @throws Refusal where two readers could read two */
export function readMessage(request: PeerRequest, body: Buffer): Message {
  const type = headerValue(request, 'content-type') ?? ''
  if (headerValue(request, 'content-encoding') !== undefined)
    throw badMessage('body_compressed', 'the body has a content coding', 415)
  if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type))
    throw badMessage('content_type_unsupported', 'the body is no JSON in UTF-8', 415)
  const value = jsonIn(body)
  if (!isObject(value)) throw badMessage('message_malformed', 'the body is not one message')
  const { id, method, params = {} } = value
  const ambiguous = [value, params].some(hasTwins)
  if (ambiguous) throw badMessage('message_ambiguous', 'two members are equal when folded')
  if (typeof method !== 'string' || !isObject(params)) throw badMessage('message_malformed', 'it is no request')
  return { id, method, params }
}

/** Whether a message has two members that one reader takes for the same; what is inside of them is of the tool. */
function hasTwins(value: unknown): boolean {
  return hasFoldedTwins(Object.fromEntries(Object.keys(Object(value)).map(name => [name, null])))
}

function jsonIn(body: Buffer): unknown {
  try {
    return parseJson(utf8(body))
  } catch {
    throw badMessage('message_malformed', 'the body is no JSON')
  }
}

/** All methods of the protocol that this peer knows. */
const methods = [
  ...['initialize', 'ping', 'server/discover', 'logging/setLevel', 'completion/complete'],
  ...['tools/list', 'tools/call', 'prompts/list', 'prompts/get'],
  ...['resources/list', 'resources/templates/list', 'resources/read', 'resources/subscribe', 'resources/unsubscribe'],
  ...['subscriptions/listen', 'tasks/get', 'tasks/update', 'tasks/result', 'tasks/list', 'tasks/cancel'],
  ...['notifications/initialized', 'notifications/cancelled', 'notifications/progress'],
  'notifications/roots/list_changed',
]

const lettersOf = (method: string): string => folded(method).replace(/[^\p{L}\p{N}]/gu, '')

/** Whether a message is one of the protocol itself, which calls no tool. @see protocol §9.2 */
export function callsNothing({ method }: Message): boolean {
  return methods.includes(method) && method !== 'tools/call'
}

/** Refuses a method that a server could take for another one. */
export function checkMethod({ method }: Message): void {
  if (methods.includes(method)) return
  if (methods.some(one => lettersOf(one) === lettersOf(method)))
    throw badMessage('method_misspelt', 'the method is that of the protocol in another spelling')
}

/** The member of `params` that `Mcp-Name` repeats, by method. */
const namedBy: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

const version = 'io.modelcontextprotocol/protocolVersion'

/** Refuses headers that do not say what the body says. @see protocol §12 */
export function checkHeaders(request: PeerRequest, { id, method, params }: Message, isStateless: boolean): void {
  const isNeeded = isStateless && id !== undefined
  const claimed = Object(params['_meta'])[version]
  if ((claimed !== undefined) !== isStateless) throw badMessage('revision_unsupported', 'it is of another revision')
  const compare = (name: string, said: unknown): void => {
    const [value, ...more] = headerLines(request, name)
    if (more.length > 0) throw badMessage('header_repeated', `${name} is repeated`)
    if (value === undefined && (!isNeeded || said === undefined)) return
    if (value?.trim() !== said) throw badMessage('header_mismatched', `${name} does not say what the body says`)
  }
  compare('mcp-method', method)
  compare('mcp-name', params[namedBy[method] ?? ''])
  if (!isStateless) return
  compare('mcp-protocol-version', claimed)
  if (headerLines(request, 'mcp-session-id').length > 0)
    throw badMessage('session_unsupported', 'this revision has no sessions')
}

/** The members that a call may have beside its arguments. */
const beside = ['name', 'arguments', 'task', 'requestState', 'inputResponses', '_meta']
const besideInMeta = /^(?:progressToken|traceparent|tracestate|baggage|io\.modelcontextprotocol\/.*)$/

/** The arguments of a call, for conditions and users; no JSON where the call has more than these. @see protocol §12 */
export function argumentsOf({ params }: Message): Buffer {
  const { inputResponses, _meta } = params
  const isMore =
    Object.keys(params).some(name => !beside.includes(name)) ||
    Object.keys(Object(_meta)).some(name => !besideInMeta.test(name)) ||
    Object.values(Object(inputResponses)).some(one => Object.keys(Object(Object(one).content)).length > 0)
  return Buffer.from(isMore ? 'more than arguments' : JSON.stringify(params['arguments'] ?? {}))
}
