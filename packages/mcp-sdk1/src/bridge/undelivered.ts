import { AgentError } from '@countersign/agent'
import { type Lost, type RequestId, type RpcFailure, rpcCodes } from '@countersign/mcp/internal/client'
import type { Links } from './transport.js'

/**
 * The JSON-RPC error for a request that could not be sent, or got no answer. It says why, and never holds a token.
 * @param links whether it holds the URL that a user must open
 */
export function undelivered(id: RequestId, error: unknown, links: Links = 'kept'): RpcFailure {
  const url = links === 'told' && error instanceof AgentError ? error.url : undefined
  const facts = factsOf(error)
  const data = url === undefined ? facts : { ...facts, url }
  const why = printable(error instanceof Error ? error.message : 'the request could not be delivered')
  const message = url === undefined ? why : `${why}: ${url}`
  return {
    jsonrpc: '2.0',
    id,
    error: { code: rpcCodes.internal, message, ...(data === undefined ? {} : { data }) },
  }
}

/** The error for a request whose outcome is unknown. */
export function unanswered(): Error {
  return new Error('the connection ended before the answer: it is unknown whether the server acted on the request')
}

/**
 * Whether a lost stream is that of a request. One that has had an event is resumed, unless a message was over the limit.
 * @param lastEventId the last event of the request's stream
 */
export function isLost(lost: Lost, id: RequestId, lastEventId: string | undefined): boolean {
  if (!('id' in lost)) return lost.lastEventId === lastEventId
  return lost.id === id && (lastEventId === undefined || lost.cause !== undefined)
}

function factsOf(error: unknown): object | undefined {
  if (error instanceof AgentError) return { code: error.code }
  const status = statusOf(error)
  return status === undefined ? undefined : { status }
}

/** The HTTP status of an error of either line of the SDK. */
export function statusOf(error: unknown): number | undefined {
  const { code, status, cause } = Object(error ?? {}) as { code?: unknown; status?: unknown; cause?: unknown }
  const found = [status, code].find(value => typeof value === 'number' && value >= 100)
  if (found !== undefined) return Number(found)
  return cause === undefined ? undefined : statusOf(cause)
}

/** Removes control characters: the message may quote a page of the server. */
function printable(text: string): string {
  return text.slice(0, 500).replaceAll(/[^\x20-\x7e\u{a0}-\u{10ffff}]+/gu, ' ')
}
