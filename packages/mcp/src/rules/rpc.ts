import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, isObject, parseJson } from '@countersign/protocol'

/** What a JSON-RPC message is about. */
export type Subject =
  | { readonly kind: 'tool' | 'prompt' | 'resource'; readonly name: string }
  | { readonly kind: 'session' }

/** A message as both guard and server read it. */
export interface RpcMessage {
  /** The very value that the server gets. */
  readonly value: Readonly<Record<string, unknown>>
  /** Absent for a notification, and for the answer to a request of the server's. */
  readonly request?: { readonly id: string | number; readonly method: string }
  readonly subject: Subject
}

/** Arrays and objects inside each other: tools take what they take, but no parser is to be driven into its depth. */
const maxDepth = 64

/** JSON is UTF-8, and nothing may say that it is not. */
const jsonType = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i

/** The members that decide what a message is about. */
const telling = {
  message: ['jsonrpc', 'id', 'method', 'params', 'result', 'error'],
  params: ['name', 'uri', 'ref'],
  ref: ['type', 'name', 'uri'],
} as const

/**
 * Reads the message in a request's body.
 * @throws AAuthError `invalid_request` for what two readers could read differently (a member named twice or in another case, more
 * than one message, a charset or content coding: 415), and for what is no JSON-RPC message
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server
 */
export function readRpc(message: ReceivedMessage): RpcMessage {
  const value = jsonOf(message.body)
  checkForm(message)
  if (Array.isArray(value)) throw wrong('a request holds one JSON-RPC message: batches are not taken')
  if (!isObject(value) || value['jsonrpc'] !== '2.0') throw wrong('the body is no JSON-RPC message')
  checkSpelling(value, telling.message)
  const { method, id, params } = value
  if (method === undefined) return { value, subject: { kind: 'session' } }
  if (typeof method !== 'string') throw wrong('method must be a string')
  const subject = subjectOf(method, params === undefined ? {} : params)
  if (id === undefined) return { value, subject }
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) throw wrong('id must be a string or an integer')
  return { value, request: { id: id as string | number, method }, subject }
}

/** The same bytes are another message in UTF-7, and to who decompresses them. */
function checkForm(message: ReceivedMessage): void {
  const [type, ...more] = headerValues(message, 'content-type')
  const isPlain = type !== undefined && more.length === 0 && jsonType.test(type)
  if (isPlain && headerValues(message, 'content-encoding').length === 0) return
  throw new AAuthError('invalid_request', 'Content-Type must be application/json in UTF-8, without a content coding', {
    status: 415,
  })
}

/** A reader that does not tell `Name` from `name`, as Go's, would see another member, or one where there is none. */
function checkSpelling(object: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  for (const member of Object.keys(object)) {
    const name = member.normalize('NFKC').toLowerCase()
    if (name !== member && names.includes(name)) throw wrong(`${name} must be spelled so`)
  }
}

function jsonOf(body: Uint8Array | undefined): unknown {
  try {
    return parseJson(body ?? new Uint8Array(), { maxDepth })
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : 'it cannot be read'
    throw new AAuthError('invalid_request', `the body is not JSON that has one meaning: ${why}`, { cause })
  }
}

function subjectOf(method: string, params: unknown): Subject {
  if (!isObject(params)) throw wrong('params must be an object')
  checkSpelling(params, telling.params)
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
      return completed(params['ref'])
    default:
      return { kind: 'session' }
  }
}

/** What is completed tells as much as what is read. */
function completed(ref: unknown): Subject {
  if (!isObject(ref)) throw wrong('ref must be an object')
  checkSpelling(ref, telling.ref)
  if (ref['type'] === 'ref/prompt') return { kind: 'prompt', name: textOf(ref, 'name') }
  if (ref['type'] === 'ref/resource') return { kind: 'resource', name: textOf(ref, 'uri') }
  throw wrong('ref must be of type ref/prompt or ref/resource')
}

function textOf(from: Readonly<Record<string, unknown>>, name: string): string {
  const value = from[name]
  if (typeof value !== 'string') throw wrong(`${name} must be a string`)
  // A server that looks names up in an object would find what every object has.
  if (value in Object.prototype) throw wrong(`${name} is a name that nothing here has`)
  return value
}

function wrong(description: string): AAuthError {
  return new AAuthError('invalid_request', description)
}
