import { type Agent, explain } from '@countersign/agent'
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CancelledNotificationSchema,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js'

/**
 * Where an answer may have been lost: the stream of a request has ended, or one that broke off cannot be resumed after an
 * event.
 */
export type Lost = { readonly id: RequestId } | { readonly lastEventId: string }

/** What is watched. */
export interface AgentFetchOptions {
  /** How often the transport tries to resume a stream. */
  readonly attempts: number
  readonly onLost?: (lost: Lost) => void
}

/** The agent's fetch, as a transport of MCP needs it. */
export function agentFetch(agent: Pick<Agent, 'fetch'>, { attempts, onLost }: AgentFetchOptions): FetchLike {
  const unanswered = new Map<RequestId, AbortController>()
  const resume = resumption(agent, attempts, onLost)

  async function post(id: RequestId, url: string | URL, init: RequestInit): Promise<Response> {
    const cancelled = new AbortController()
    unanswered.set(id, cancelled)
    const signals = [cancelled.signal, ...(init.signal == null ? [] : [init.signal])]
    try {
      return await agent.fetch(url, { ...init, signal: AbortSignal.any(signals) })
    } finally {
      if (unanswered.get(id) === cancelled) unanswered.delete(id)
    }
  }

  return async (url, init = {}) => {
    if (init.method === 'GET') return resume(url, init)
    const message = typeof init.body === 'string' ? (JSON.parse(init.body) as JSONRPCMessage) : undefined
    if (isJSONRPCRequest(message)) {
      const response = understood(await post(message.id, url, init))
      return onLost === undefined ? response : watched(response, () => onLost({ id: message.id }))
    }
    const { data } = CancelledNotificationSchema.safeParse(message)
    // What waits for a user must not be sent once they have agreed: nobody wants it any more.
    if (data?.params.requestId !== undefined) unanswered.get(data.params.requestId)?.abort()
    return understood(await agent.fetch(url, init))
  }
}

/** Streams that are opened by GET, and those that begin where another broke off. */
function resumption(
  agent: Pick<Agent, 'fetch'>,
  attempts: number,
  onLost: ((lost: Lost) => void) | undefined,
): (url: string | URL, init: RequestInit) => Promise<Response> {
  const failures = new Map<string, number>()
  const failed = (lastEventId: string, times: number): void => {
    failures.set(lastEventId, times)
    if (times < attempts) return
    failures.delete(lastEventId)
    onLost?.({ lastEventId })
  }
  return async (url, init) => {
    const lastEventId = new Headers(init.headers).get('last-event-id')
    if (lastEventId === null) return agent.fetch(url, init)
    try {
      const response = await agent.fetch(url, init)
      if (response.ok) failures.delete(lastEventId)
      // A server that refuses does not think better of it.
      else failed(lastEventId, attempts)
      return response
    } catch (error) {
      failed(lastEventId, (failures.get(lastEventId) ?? 0) + 1)
      throw error
    }
  }
}

/** Says why the agent could not get through, which the answer of a guard does not. */
function understood(response: Response): Response {
  if (response.ok || response.status === 404) return response
  const reason = reasonOf(response)
  if (reason === undefined) return response
  response.body?.cancel().catch(() => undefined)
  throw new StreamableHTTPError(response.status, reason)
}

function reasonOf(response: Response): string | undefined {
  try {
    const { outcome, reason } = explain(response)
    // The transport knows better why it follows no redirect.
    return outcome === 'redirect' ? undefined : reason
  } catch {
    // Not every agent explains itself: `fetch` does not.
    return undefined
  }
}

/** The same response; `ended` is called when nothing more comes of it. */
function watched(response: Response, ended: () => void): Response {
  if (!response.ok) return response
  if (response.status === 202) ended()
  if (response.body === null) return response
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  response.body.pipeTo(writable).then(ended, ended)
  return new Response(readable, response)
}
