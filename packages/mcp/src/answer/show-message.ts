import { refusal } from '@countersign/protocol/internal'
import type { AnswerRule } from '@countersign/resource'
import { maxAnswerBytes, projectJson } from '@countersign/resource/internal'
import type { McpMessage } from '../rules/rpc.js'
import { isEventStream } from '../stream/watched-body.js'
import { memberText } from './member-text.js'

/** Messages whose results say nothing of what a user has at the server. */
const open: ReadonlySet<string> = new Set(['initialize', 'server/discover', 'ping', 'tools/list'])

const sessionId = /^[\x21-\x7e]{1,256}$/

/**
 * What goes out of an answer to a message under conditions of type `data`: the structured content of a tool's result as far as they
 * let it, and a text that says the same; the results of `initialize`, `ping` and `tools/list`; of everything else the status. 403
 * where that is not all that the server has said. The answer is one JSON text, never a stream: progress and logs may quote anything.
 * @param rpc undefined for the end of a session
 * @see protocol §9
 */
export async function showMessage(
  response: Response,
  rpc: McpMessage | undefined,
  rule: AnswerRule,
): Promise<Response> {
  const { status } = response
  try {
    const id = response.headers.get('mcp-session-id')
    const headers: Array<[string, string]> = id !== null && sessionId.test(id) ? [['mcp-session-id', id]] : []
    if (status < 200 || status > 299 || rpc?.request === undefined) {
      response.body?.cancel().catch(() => undefined)
      return new Response(null, { status, headers })
    }
    const body = showResult(await readMessage(response, rpc.request.id), rpc.request, rule)
    headers.push(['content-type', 'application/json'], ['content-length', String(body.length)])
    return new Response(body, { status, headers })
  } catch (error) {
    return rule.withhold(error)
  }
}

/** @throws AAuthError `answer_withheld` */
function showResult(
  message: Uint8Array,
  { id, method }: NonNullable<McpMessage['request']>,
  { fields }: AnswerRule,
): Uint8Array<ArrayBuffer> {
  const { result } = JSON.parse(new TextDecoder().decode(message))
  // An error is told in words, which may quote what is hidden.
  if (typeof result !== 'object' || result === null) throw refusal('answer_withheld', { about: 'it is no result' })
  if (open.has(method)) return projectJson(message, [['/jsonrpc', '/id', '/result']])
  if (method !== 'tools/call') throw refusal('answer_withheld', { about: 'of this message only the status is shown' })
  if (result.isError === true) throw refusal('answer_withheld', { about: 'the tool has failed' })
  const content = Array.isArray(result.content) ? result.content : []
  const isTwin = content.length === 1 && isTextOf(content[0], result.structuredContent)
  if (content.length > 0 && !isTwin)
    throw refusal('answer_withheld', { about: 'the content of the result says more than its structured content' })
  const left = memberText(message, ['result', 'structuredContent'], fields)
  if (left === undefined) throw refusal('answer_withheld', { about: 'the result has no structured content' })
  const text = isTwin ? `[{"type":"text","text":${JSON.stringify(left)}}]` : '[]'
  return new TextEncoder().encode(
    `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":${text},"structuredContent":${left}}}`,
  )
}

/** Whether a block of content is a text that holds the same JSON value. */
function isTextOf(block: unknown, value: unknown): boolean {
  const { type, text } = Object(block)
  if (type !== 'text' || typeof text !== 'string') return false
  try {
    return isSame(JSON.parse(text), value)
  } catch {
    return false
  }
}

function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other
  const names = Object.keys(one)
  return (
    Array.isArray(one) === Array.isArray(other) &&
    names.length === Object.keys(other).length &&
    names.every(name => Object.hasOwn(other, name) && isSame(Reflect.get(one, name), Reflect.get(other, name)))
  )
}

/** The text of the message that answers a request. @throws AAuthError `answer_withheld` where there is none */
async function readMessage(response: Response, id: string | number): Promise<Uint8Array> {
  const coding = response.headers.get('content-encoding') ?? 'identity'
  if (coding.toLowerCase() !== 'identity') throw refusal('answer_withheld', { about: 'it has a content coding' })
  if (response.body === null) throw refusal('answer_withheld', { about: 'it has no body' })
  const isStream = isEventStream(response)
  if (!isStream && !/^application\/json[ \t]*(?:;|$)/i.test(response.headers.get('content-type') ?? ''))
    throw refusal('answer_withheld', { about: 'it is not JSON' })
  for await (const text of isStream ? eventsIn(response.body) : [await wholeOf(response.body)])
    if (answers(text, id)) return new TextEncoder().encode(text)
  throw refusal('answer_withheld', { about: 'the server has not answered the message' })
}

/** @throws AAuthError `answer_withheld` for what is no message: the answer may never come */
function answers(text: string, id: string | number): boolean {
  const message = Object(parseMessage(text))
  return message.id === id && message.method === undefined
}

function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause: it quotes the text.
    throw refusal('answer_withheld', { about: 'it is not JSON' })
  }
}

async function wholeOf(body: ReadableStream<Uint8Array>): Promise<string> {
  let whole = ''
  for await (const text of textsIn(body)) whole += text
  return whole
}

/** The data of each event. @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = ''
  // bound: one call: maxAnswerBytes
  let data: string[] = []
  for await (const text of textsIn(body)) {
    // Looked at once, however many pieces a line comes in.
    if (!/[\r\n]/.test(text)) {
      rest += text
      continue
    }
    // A line may end in the next piece.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
      if (line !== '') continue
      const whole = data.join('\n')
      data = []
      // Without data it only tells its id.
      if (whole !== '') yield whole
    }
  }
}

/** The pieces of a body as text, up to the limit of answers; the rest is not read where its reader has seen enough. */
async function* textsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const reader = body.getReader()
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length > maxAnswerBytes) throw refusal('answer_withheld', { about: 'it is too long to be judged' })
      yield utf8.decode(value, { stream: true })
    }
    yield utf8.decode()
  } finally {
    reader.cancel().catch(() => undefined)
  }
}
