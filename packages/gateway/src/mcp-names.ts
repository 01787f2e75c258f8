import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Ask } from '@countersign/mcp/internal'
import type { AAuthError } from '@countersign/protocol'
import { isObject, parseJson, refusal } from '@countersign/protocol/internal'
import { plainName } from './header-rules.js'
import type { UpstreamRequest } from './upstream.js'

/** Bytes of a response that are read at most: far more than any page of a list of names. */
const longestAnswer = 1_048_576
/** Seconds in which the whole response must arrive. */
const deadline = 10

/** Headers of the caller's message that must not be in a request of the gateway's own. */
const ofTheMessage: ReadonlySet<string> = new Set([
  'content-length',
  'content-digest',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
])

/** Whether a header is about the caller's message, and not about the caller: such as one that repeats an argument. */
function isOfTheMessage(name: string): boolean {
  const plain = plainName(name)
  return ofTheMessage.has(plain) || plain.startsWith('mcp-param-')
}

/**
 * Sends a request of the gateway's own to the MCP server, in the session and with the facts of a request that is about to be
 * forwarded: the lists of a server may depend on both.
 */
export function askBeside(passed: UpstreamRequest, send: (request: UpstreamRequest) => Promise<IncomingMessage>): Ask {
  return async (method, params) => {
    const id = randomUUID()
    const body = new TextEncoder().encode(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    const kept = passed.headers.filter(([name]) => !isOfTheMessage(name))
    const own = { 'Content-Type': 'application/json', 'Content-Length': String(body.length), 'Mcp-Method': method }
    const headers = [...kept, ...Object.entries(own)]
    const answer = await send({ method: 'POST', target: passed.target, headers, body })
    // A server without sessions says so of a method that it does not have.
    const isStateless = passed.headers.some(([name]) => plainName(name) === 'mcp-method')
    if (isStateless && answer.statusCode === 404) {
      answer.destroy()
      return undefined
    }
    const late = setTimeout(() => answer.destroy(new Error('no answer in time')), deadline * 1000)
    try {
      return await resultIn(answer, id)
    } finally {
      clearTimeout(late)
      answer.destroy()
    }
  }
}

async function resultIn(answer: IncomingMessage, id: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { statusCode = 0, headers } = answer
  // The session has ended: the caller opens a new one, as after any 404 of the server.
  if (statusCode === 404) throw refusal('session_unknown')
  if (statusCode !== 200) throw unlisted({ status: statusCode })
  const isStream = /^text\/event-stream/i.test(headers['content-type'] ?? '')
  let text = ''
  let last = ''
  let read = 0
  const decoder = new TextDecoder()
  for await (const chunk of answer) {
    read += (chunk as Buffer).length
    if (read > longestAnswer) throw unlisted({ bytes: read })
    const more = decoder.decode(chunk as Buffer, { stream: true })
    // The whole text is parsed only when an event may have ended: it may arrive in many small chunks.
    const mayEnd = `${last}${more}`.includes('\n\n')
    last = more.at(-1) ?? last
    text += more
    if (!isStream || !mayEnd) continue
    // Complete events only; the rest waits for more chunks.
    const end = text.lastIndexOf('\n\n')
    const found = eventsIn(text.slice(0, end)).find(message => message['id'] === id)
    if (found !== undefined) return resultOf(found)
    text = text.slice(end + 2)
  }
  const message = isStream ? undefined : messageIn(text)
  if (message?.['id'] !== id) throw unlisted({ bytes: read })
  return resultOf(message)
}

function resultOf({ result }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined {
  return isObject(result) ? result : undefined
}

function eventsIn(text: string): Array<Readonly<Record<string, unknown>>> {
  return text.split('\n\n').flatMap(event => {
    const lines = event.split('\n').filter(line => line.startsWith('data:'))
    // An answer of nothing but line breaks is half a million events.
    if (lines.length === 0) return []
    const message = messageIn(lines.map(line => line.slice('data:'.length)).join('\n'))
    return message === undefined ? [] : [message]
  })
}

function messageIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseJson(text, { maxDepth: 64 })
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function unlisted(cause: object): AAuthError {
  return refusal('dependency_unavailable', {
    about: 'the MCP server did not list its tools and prompts',
    retryAfter: 5,
    cause,
  })
}
