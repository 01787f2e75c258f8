import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { foldedName, isObject, parseJson, refusal } from '@countersign/protocol/internal'
import { misspeltMethod } from './methods.js'
import { checkStandardHeaders, type Revision, versionMember } from './standard-headers.js'

/** What a JSON-RPC message names, which selects its rule. */
export type Subject =
  | { readonly kind: 'tool' | 'prompt' | 'resource'; readonly name: string }
  | { readonly kind: 'session' }
  /** A subscription to changes of resources, and perhaps of lists as well. */
  | { readonly kind: 'changes'; readonly uris: readonly string[]; readonly ofLists: boolean }

/** A parsed message. */
export interface McpMessage {
  /** The same value that the server gets. */
  readonly value: Readonly<Record<string, unknown>>
  /** Absent for a notification, and for the answer to a request of the server. */
  readonly request?: { readonly id: string | number; readonly method: string }
  readonly subject: Subject
  readonly revision: Revision
}

/** Deepest nesting of arrays and objects: deeper ones could overflow the stack of a parser. Frozen, so that it is checked once. */
const limits = Object.freeze({ maxDepth: 64 })

/** JSON is UTF-8: another charset would be another message. */
const jsonType = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i

/** The members that select the rule of a message, and what it is judged by. */
const deciding = {
  message: membersOf('jsonrpc', 'id', 'method', 'params', 'result', 'error'),
  // Conditions judge `arguments`, and users approve them. The others continue what a caller has begun.
  params: membersOf(
    'name',
    'uri',
    'ref',
    'arguments',
    'taskId',
    'requestState',
    'inputResponses',
    'notifications',
    '_meta',
  ),
  ref: membersOf('type', 'name', 'uri'),
  notifications: membersOf('resourceSubscriptions', 'taskIds'),
  meta: membersOf(versionMember),
} as const

/** Names of members by the name without case. */
type Members = ReadonlyMap<string, string>

function membersOf(...names: readonly string[]): Members {
  // bound: fixed
  return new Map(names.map(name => [foldedName(name), name]))
}

/** Most resources of one subscription: each costs a look at all its spellings. */
const mostSubscriptions = 64
/** Most characters of all of them. */
const mostCharacters = 8192

/**
 * Reads the message in a request's body.
 * @throws AAuthError `invalid_request` for a body that is not one JSON-RPC message, or that two parsers could read differently: a
 * member twice or in another case, a batch, headers that say something else, and with 415 a charset or content coding
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports#sending-messages-to-the-server
 */
export function readRpc(message: ReceivedMessage): McpMessage {
  const value = jsonOf(message.body)
  checkContentType(message)
  if (Array.isArray(value)) throw refusal('rpc_malformed', { about: 'it must be one message, not a batch' })
  if (!isObject(value) || value['jsonrpc'] !== '2.0')
    throw refusal('rpc_malformed', { about: 'it must be a JSON-RPC 2.0 message' })
  checkSpelling(value, deciding.message)
  const { method, id, params } = value
  if (method !== undefined && typeof method !== 'string')
    throw refusal('rpc_malformed', { about: 'method must be a string' })
  if (method !== undefined && misspeltMethod(method) !== undefined)
    throw refusal('rpc_malformed', { about: 'method must be spelled like the one of MCP that it resembles' }) // mcp.method-spellings
  if (id !== undefined && typeof id !== 'string' && !Number.isSafeInteger(id))
    throw refusal('rpc_malformed', { about: 'id must be a string or an integer' })
  const subject: Subject =
    method === undefined ? { kind: 'session' } : subjectOf(method, params === undefined ? {} : params)
  const isRequest = method !== undefined && id !== undefined
  const revision = checkStandardHeaders(message, { method, params, isRequest })
  if (!isRequest) return { value, subject, revision }
  return { value, request: { id: id as string | number, method }, subject, revision }
}

/** The id of the request in a body that was refused, for the answer; undefined where there is none, or none that is read in one way. */
export function idInBody({ body }: ReceivedMessage): string | number | undefined {
  try {
    const value = parseJson(body ?? new Uint8Array(), limits)
    const id = isObject(value) && typeof value['method'] === 'string' ? value['id'] : undefined
    return typeof id === 'string' || Number.isSafeInteger(id) ? (id as string | number) : undefined
  } catch {
    return undefined
  }
}

/** Refuses other charsets and codings: a server that decodes UTF-7 or decompresses would read another message. */
function checkContentType(message: ReceivedMessage): void {
  const [type, ...more] = headerValues(message, 'content-type')
  const isPlain = type !== undefined && more.length === 0 && jsonType.test(type)
  if (isPlain && headerValues(message, 'content-encoding').length === 0) return
  throw refusal('content_type_unsupported', { about: 'application/json in UTF-8, without a content coding' })
}

/** Refuses `Name` for `name`: a parser that ignores case, like Go's, would read another member. */
function checkSpelling(object: Readonly<Record<string, unknown>>, members: Members): void {
  for (const member of Object.keys(object)) {
    // A member that is spelled right, as nearly all are, need not be folded.
    if (members.get(member) === member) continue
    const exact = members.get(foldedName(member))
    if (exact !== undefined && exact !== member)
      throw refusal('rpc_malformed', { about: `${exact} must be spelled so, in ASCII` })
  }
}

function jsonOf(body: Uint8Array | undefined): unknown {
  try {
    return parseJson(body ?? new Uint8Array(), limits)
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : 'it cannot be parsed'
    throw refusal('rpc_malformed', { about: why, cause })
  }
}

function subjectOf(method: string, params: unknown): Subject {
  if (!isObject(params)) throw refusal('rpc_malformed', { about: 'params must be an object' })
  checkSpelling(params, deciding.params)
  if (isObject(params['_meta'])) checkSpelling(params['_meta'], deciding.meta)
  switch (method) {
    case 'tools/call':
      return { kind: 'tool', name: textOf(params, 'name') }
    case 'prompts/get':
      return { kind: 'prompt', name: textOf(params, 'name') }
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      // Gone from 2026-07-28: without a URI it is about nothing, and the server says that it has no such method.
      if (params['uri'] === undefined) return { kind: 'session' }
      return { kind: 'resource', name: textOf(params, 'uri') }
    case 'resources/read':
      return { kind: 'resource', name: textOf(params, 'uri') }
    case 'completion/complete':
      return referenceOf(params['ref'])
    case 'subscriptions/listen':
      return changesOf(params['notifications'])
    default:
      return { kind: 'session' }
  }
}

/** The subject of a completion: it reveals as much as reading does. */
function referenceOf(ref: unknown): Subject {
  if (!isObject(ref)) throw refusal('rpc_malformed', { about: 'ref must be an object' })
  checkSpelling(ref, deciding.ref)
  if (ref['type'] === 'ref/prompt') return { kind: 'prompt', name: textOf(ref, 'name') }
  if (ref['type'] === 'ref/resource') return { kind: 'resource', name: textOf(ref, 'uri') }
  throw refusal('rpc_malformed', { about: 'ref must be of type ref/prompt or ref/resource' })
}

/** The subject of a subscription. What it must hold the server checks. */
function changesOf(notifications: unknown): Subject {
  if (!isObject(notifications)) return { kind: 'session' }
  checkSpelling(notifications, deciding.notifications)
  const { resourceSubscriptions: uris = [], ...lists } = notifications
  // Their state and results would go by another rule than that of their tools.
  if (Object.hasOwn(lists, 'taskIds'))
    throw refusal('rpc_malformed', { about: 'a subscription to tasks is not passed on' })
  if (!Array.isArray(uris) || uris.length > mostSubscriptions || uris.some(uri => typeof uri !== 'string'))
    throw refusal('rpc_malformed', { about: `resourceSubscriptions must be at most ${mostSubscriptions} URIs` })
  // Before the caller is known: what a stranger has looked up must be cheap.
  if (uris.join('').length > mostCharacters)
    throw refusal('rpc_malformed', { about: `resourceSubscriptions must have ${mostCharacters} characters` })
  const ofLists = Object.values(lists).some(asked => asked !== false)
  return uris.length === 0 ? { kind: 'session' } : { kind: 'changes', uris, ofLists }
}

function textOf(from: Readonly<Record<string, unknown>>, name: string): string {
  const value = from[name]
  if (typeof value !== 'string') throw refusal('rpc_malformed', { about: `${name} must be a string` })
  // A server that looks up names in an object would find the members of every object.
  if (value in Object.prototype) throw refusal('subject_unknown', { about: name })
  return value
}
