import { type Agent, explain } from '@countersign/agent'
import { boundedMap } from '@countersign/protocol'
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CancelledNotificationSchema,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/sdk/types.js'
import { type CallStream, type CallStreams, callStreams } from './call-streams.js'

/**
 * Where an answer may have been lost: the stream of a request has ended, or one that broke off cannot be resumed after an
 * event.
 */
export type Lost = { readonly id: RequestId } | { readonly lastEventId: string }

/** Events whose streams could not be resumed yet: a server that names new ones without end must not grow its client. */
const mostFailures = 100

/** What is watched. */
export interface AgentFetchOptions {
  /** How often the transport tries to resume a stream. */
  readonly attempts: number
  readonly onLost?: (lost: Lost) => void
}

/** The agent's fetch, as a transport of MCP needs it. */
export function agentFetch(agent: Pick<Agent, 'fetch'>, { attempts, onLost }: AgentFetchOptions): FetchLike {
  const calls = callStreams()
  const follow = followers()
  const resume = resumption(agent, { attempts, onLost, calls })

  async function post(id: RequestId, url: string | URL, init: RequestInit): Promise<Response> {
    const call = calls.begin(id)
    const leave = follow(call.stop, init.signal)
    const ended = (): void => {
      leave()
      onLost?.({ id })
    }
    try {
      const response = understood(await agent.fetch(url, { ...init, signal: call.stop.signal }))
      return watched(response, { call, calls, leave, ended })
    } catch (error) {
      leave()
      calls.end(call)
      throw error
    }
  }

  return async (url, init = {}) => {
    if (init.method === 'GET') return resume(url, init)
    const message = typeof init.body === 'string' ? (JSON.parse(init.body) as JSONRPCMessage) : undefined
    if (isJSONRPCRequest(message)) return post(message.id, url, init)
    const { data } = CancelledNotificationSchema.safeParse(message)
    // What waits for a user must not be sent once they have agreed, and what comes of it is for nobody.
    if (data?.params.requestId !== undefined) calls.cancel(data.params.requestId)
    return understood(await agent.fetch(url, init))
  }
}

interface Resumed {
  readonly attempts: number
  readonly onLost: ((lost: Lost) => void) | undefined
  readonly calls: CallStreams
}

/** Streams that are opened by GET, and those that begin where another broke off. */
function resumption(
  agent: Pick<Agent, 'fetch'>,
  { attempts, onLost, calls }: Resumed,
): (url: string | URL, init: RequestInit) => Promise<Response> {
  // By event, whose ids a server makes up.
  const failures = boundedMap<string, number>(mostFailures)
  const failed = (lastEventId: string, times: number): void => {
    failures.set(lastEventId, times)
    if (times < attempts) return
    failures.delete(lastEventId)
    onLost?.({ lastEventId })
  }
  const refused = (lastEventId: string, response: Response): Response => {
    response.body?.cancel().catch(() => undefined)
    failed(lastEventId, attempts)
    return givenUp()
  }
  return async (url, init) => {
    const lastEventId = new Headers(init.headers).get('last-event-id')
    // A transport that is closed forgets the timers of all but one stream.
    if (init.signal?.aborted === true) return givenUp()
    if (lastEventId === null) return agent.fetch(url, init)
    const call = calls.resume(lastEventId)
    if (call?.isCancelled) return givenUp()
    const times = (failures.get(lastEventId) ?? 0) + 1
    try {
      const response = await agent.fetch(url, init)
      // Where nothing more will come, nothing more is asked for.
      if (response.status === 204) return refused(lastEventId, response)
      if (response.ok) {
        failures.delete(lastEventId)
        return call === undefined ? response : watched(response, { call, calls, leave: nothing, ended: nothing })
      }
      if (response.status >= 500) failed(lastEventId, times)
      else return refused(lastEventId, response)
      return response
    } catch (error) {
      failed(lastEventId, times)
      throw error
    }
  }
}

/** What makes a transport ask for a stream no more: it would try all its attempts. */
function givenUp(): Response {
  return new Response(null, { status: 405 })
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

interface Watching {
  readonly call: CallStream
  readonly calls: CallStreams
  readonly leave: () => void
  readonly ended: () => void
}

/** The same response; one of the two is called when nothing more comes of it, `ended` where an answer might have. */
function watched(response: Response, { call, calls, leave, ended }: Watching): Response {
  const { ok, status, body } = response
  const done = (): void => {
    calls.end(call)
    if (ok) ended()
    else leave()
  }
  if (body === null || status === 202) {
    done()
    return response
  }
  return new Response(calls.watch(call, body, done), response)
}

function nothing(): void {}

/**
 * Lets controllers abort with a signal until they leave it. A signal lives as long as its transport, and would keep what
 * `AbortSignal.any` makes of it for as long.
 */
function followers(): (controller: AbortController, signal: AbortSignal | null | undefined) => () => void {
  const led = new WeakMap<AbortSignal, Set<AbortController>>()
  const lead = (signal: AbortSignal): Set<AbortController> => {
    const all = new Set<AbortController>()
    led.set(signal, all)
    const end = (): void => {
      for (const controller of all) controller.abort(signal.reason)
    }
    signal.addEventListener('abort', end, { once: true })
    return all
  }
  return (controller, signal) => {
    if (signal === null || signal === undefined) return () => undefined
    if (signal.aborted) controller.abort(signal.reason)
    const all = led.get(signal) ?? lead(signal)
    all.add(controller)
    return () => void all.delete(controller)
  }
}
