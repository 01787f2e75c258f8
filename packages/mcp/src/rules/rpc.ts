import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { isObject, parseJson } from '@countersign/protocol/internal'

/** What a JSON-RPC message names, which selects its rule. */
export type Subject =
  | { readonly kind: 'tool' | 'prompt' | 'resource'; readonly name: string }
  | { readonly kind: 'session' }

/** A parsed message. */
export interface RpcMessage {
  /** The same value that the server gets. */
  readonly value: Readonly<Record<string, unknown>>
  /** Absent for a notification, and for the answer to a request of the server. */
  readonly request?: { readonly id: string | number; readonly method: string }
  readonly subject: Subject
}

/** Deepest nesting of arrays and objects: deeper ones could overflow the stack of a parser. */
const maxDepth = 64

/** JSON is UTF-8: another charset would be another message. */
const jsonType = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i

/** The members that select the rule of a message, and what it is judged by. */
const deciding = {
  message: ['jsonrpc', 'id', 'method', 'params', 'result', 'error'],
  // Conditions judge `arguments`, and users approve them.
  params: ['name', 'uri', 'ref', 'arguments'],
  ref: ['type', 'name', 'uri'],
} as const

/**
 * Reads the message in a request's body.
 * @throws AAuthError `invalid_request` for a body that is not one JSON-RPC message, or that two parsers could read differently: a
 * member twice or in another case, a batch, and with 415 a charset or content coding
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server
 */
export function readRpc(message: ReceivedMessage): RpcMessage {
  const value = jsonOf(message.body)
  checkContentType(message)
  if (Array.isArray(value)) throw malformed('the body must be one JSON-RPC message, not a batch')
  if (!isObject(value) || value['jsonrpc'] !== '2.0') throw malformed('the body must be a JSON-RPC 2.0 message')
  checkSpelling(value, deciding.message)
  const { method, id, params } = value
  if (method === undefined) return { value, subject: { kind: 'session' } }
  if (typeof method !== 'string') throw malformed('method must be a string')
  const subject = subjectOf(method, params === undefined ? {} : params)
  if (id === undefined) return { value, subject }
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) throw malformed('id must be a string or an integer')
  return { value, request: { id: id as string | number, method }, subject }
}

/** Refuses other charsets and codings: a server that decodes UTF-7 or decompresses would read another message. */
function checkContentType(message: ReceivedMessage): void {
  const [type, ...more] = headerValues(message, 'content-type')
  const isPlain = type !== undefined && more.length === 0 && jsonType.test(type)
  if (isPlain && headerValues(message, 'content-encoding').length === 0) return
  throw new AAuthError('invalid_request', 'Content-Type must be application/json in UTF-8, without a content coding', {
    reason: 'content_type_unsupported',
    status: 415,
  })
}

/** Refuses `Name` for `name`: a parser that ignores case, like Go's, would read another member. */
function checkSpelling(object: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  for (const member of Object.keys(object)) {
    const name = member.normalize('NFKC').toLowerCase()
    if (name !== member && names.includes(name)) throw malformed(`${name} must be spelled in lower case, in ASCII`)
  }
}

function jsonOf(body: Uint8Array | undefined): unknown {
  try {
    return parseJson(body ?? new Uint8Array(), { maxDepth })
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : 'it cannot be parsed'
    throw new AAuthError('invalid_request', `the body must be JSON with one reading: ${why}`, {
      reason: 'rpc_malformed',
      cause,
    })
  }
}

function subjectOf(method: string, params: unknown): Subject {
  if (!isObject(params)) throw malformed('params must be an object')
  checkSpelling(params, deciding.params)
  switch (method) {
    case 'tools/call':
      return { kind: 'tool', name: textOf(params, 'name') }
    case 'prompts/get':
      return { kind: 'prompt', name: textOf(params, 'name') }
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return { kind: 'resource', name: textOf(params, 'uri') }
    case 'completion/complete':
      return referenceOf(params['ref'])
    default:
      return { kind: 'session' }
  }
}

/** The subject of a completion: it reveals as much as reading does. */
function referenceOf(ref: unknown): Subject {
  if (!isObject(ref)) throw malformed('ref must be an object')
  checkSpelling(ref, deciding.ref)
  if (ref['type'] === 'ref/prompt') return { kind: 'prompt', name: textOf(ref, 'name') }
  if (ref['type'] === 'ref/resource') return { kind: 'resource', name: textOf(ref, 'uri') }
  throw malformed('ref must be of type ref/prompt or ref/resource')
}

function textOf(from: Readonly<Record<string, unknown>>, name: string): string {
  const value = from[name]
  if (typeof value !== 'string') throw malformed(`${name} must be a string`)
  // A server that looks up names in an object would find the members of every object.
  if (value in Object.prototype)
    throw new AAuthError('invalid_request', `${name} must not be the name of a member that every object has`, {
      reason: 'subject_unknown',
    })
  return value
}

function malformed(description: string): AAuthError {
  return new AAuthError('invalid_request', description, { reason: 'rpc_malformed' })
}
