import type { ReceivedMessage } from '@countersign/httpsig'
import type { MessageCall } from '@countersign/resource'
import { readingMethods } from '../rules/methods.js'
import type { McpMessage } from '../rules/rpc.js'
import { memberText } from './member-text.js'

const noArguments = '{}'

/**
 * What a message does, for the conditions of its caller. A tool is an operation of its own name. The other messages of the protocol only
 * read, or keep the session going, as answers to the server do; a method that a server has added may do anything.
 * @param answers of an earlier request, which the server gets with this one
 * @see protocol §9
 */
export function callOf(
  { method: verb, body }: ReceivedMessage,
  rpc: McpMessage | undefined,
  answers?: unknown,
): MessageCall {
  const isStream = verb === 'GET' || rpc?.value['method'] === 'subscriptions/listen'
  if (rpc?.subject.kind !== 'tool') return { reads: isReading(rpc), ...(isStream ? { opensStream: true } : {}) }
  return new ToolCall(rpc.subject.name, { params: rpc.value['params'], body, answers })
}

/** Where the arguments of a call are. */
interface Arguments {
  readonly params: unknown
  readonly body: Uint8Array | undefined
  readonly answers: unknown
}

/** A class, since a getter of an object literal is defined anew for each call. */
class ToolCall implements MessageCall {
  readonly operation: string
  readonly #arguments: Arguments
  #operand: Uint8Array | undefined

  constructor(operation: string, given: Arguments) {
    this.operation = operation
    this.#arguments = given
  }

  /** Read where a condition or a user is to judge them: most calls have neither. */
  get operand(): Uint8Array {
    this.#operand ??= new TextEncoder().encode(operandIn(this.#arguments))
    return this.#operand
  }
}

/** The arguments as JSON; no text at all where the call has more than them: a recipient in an answer is one that nobody judges. */
function operandIn({ params, body, answers }: Arguments): string {
  const { arguments: given, inputResponses } = Object(params)
  if ([inputResponses, answers].some(given => Object.values(Object(given)).some(hasContent))) return ''
  if (hasMore(params)) return '' // mcp.params-judged
  return given === undefined ? noArguments : argumentsIn(body)
}

/** What `params` of a call may hold beside its arguments, by MCP. */
const plainParams: ReadonlySet<string> = new Set([
  'name',
  'arguments',
  '_meta',
  'task',
  'requestState',
  'inputResponses',
])
const plainMeta = /^(?:progressToken|traceparent|tracestate|baggage|io\.modelcontextprotocol\/.+)$/s

/** Whether a server could find more to go by than the arguments: a recipient in `_meta` is one that nobody judges or sees. */
function hasMore(params: unknown): boolean {
  const { _meta } = Object(params)
  const isPlain = Object.keys(Object(params)).every(name => plainParams.has(name))
  return !(isPlain && Object.keys(Object(_meta)).every(name => plainMeta.test(name)))
}

/** Whether an answer of a client says more than what its user did with the question. */
function hasContent(answer: unknown): boolean {
  const members = Object.keys(Object(answer))
  // Another text as an action would be content, too.
  return members.length !== 1 || !actions.has(Object(answer).action)
}

const actions: ReadonlySet<unknown> = new Set(['accept', 'decline', 'cancel'])

function isReading(rpc: McpMessage | undefined): boolean {
  const method = rpc?.value['method']
  return typeof method !== 'string' || readingMethods.has(method)
}

/** As they are written: two readers of one number must not read two. */
function argumentsIn(body: Uint8Array | undefined): string {
  return memberText(body ?? new Uint8Array(), ['params', 'arguments']) ?? ''
}
