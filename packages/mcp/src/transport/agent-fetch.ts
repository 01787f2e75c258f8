import { type Agent, explain } from '@countersign/agent'
import { boundedMap, checkOptions } from '@countersign/protocol/internal'
import { cancelledId, isRequest, type RequestId, type RpcRequest } from '../message/json-rpc.js'
import { type CallStream, type CallStreams, callStreams } from './call-streams.js'
import { readableError } from './error-in-404.js'
import { limitMessages, mostMessageBytes } from './message-limit.js'

/**
 * A stream whose answer may be lost: that of a request has ended, or one that broke off after an event cannot be resumed. With a `cause`
 * it is lost: a message was over the limit.
 */
export type Lost = ({ readonly id: RequestId } | { readonly lastEventId: string }) & { readonly cause?: Error }

/** The options of `agentTransport`. */
export interface AgentTransportOptions {
  /** Called when an answer may be lost; without it the caller notices by its own time limit. */
  readonly onLost?: (lost: Lost) => void
  /** Bytes of one message of the server: an event of a stream, or a body that is none. A longer one fails. Default 33 554 432 (32 MiB). */
  readonly maxMessageBytes?: number
}

/** The options that both lines of the SDK share. @throws TypeError, RangeError */
// unchecked options options: guardMcp or agentTransport has checked them
export function checkTransportOptions(options: AgentTransportOptions): void {
  checkOptions('agentTransport', options, { onLost: 'function', maxMessageBytes: 'number' })
  const { maxMessageBytes = mostMessageBytes } = options
  if (!(maxMessageBytes > 0)) throw new RangeError('maxMessageBytes must be positive')
}

/** Most events for which failed attempts are counted: the server chooses their ids, and must not fill the client's memory. */
const mostFailures = 100

/** A response that the agent explains. */
export interface Refusal {
  readonly status: number
  /** Why, in the agent's words: the response of the guard does not tell. */
  readonly reason: string
  /** The method of the refused message. */
  readonly method: string | undefined
}

/** The options of {@link agentFetch}. */
export interface AgentFetchOptions {
  /** How often the transport tries to resume a stream. */
  readonly attempts: number
  readonly onLost?: ((lost: Lost) => void) | undefined
  readonly maxMessageBytes?: number | undefined
  /** The error of the SDK for a refusal; undefined where the SDK reads the response itself. */
  readonly refused: (refusal: Refusal) => Error | undefined
}

/** The longest wait between two attempts to resume a stream, and how many: about 13 seconds in total. */
export const reconnection = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 5,
}

/** The fetch that a transport of an SDK calls. */
type TransportFetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** The agent's fetch for a transport of either line of the MCP SDK. */
// unchecked options {}: guardMcp or agentTransport has checked them
export function agentFetch(
  agent: Pick<Agent, 'fetch'>,
  { attempts, onLost, maxMessageBytes: mostBytes = mostMessageBytes, refused }: AgentFetchOptions,
): TransportFetch {
  const calls = callStreams()
  const follow = abortFollowers()
  const resume = resumingFetch(agent, { attempts, onLost, mostBytes, calls })

  async function post(asked: RpcRequest, url: string | URL, init: RequestInit): Promise<Response> {
    const { id, method } = asked
    const call = calls.begin(id)
    const leave = follow(call.stop, init.signal)
    let cause: Error | undefined
    const ended = (): void => {
      leave()
      onLost?.(cause === undefined ? { id } : { id, cause })
    }
    const exceeded = (error: Error): void => {
      cause = error
      call.isTooLarge = true
    }
    try {
      const fetched = await agent.fetch(url, { ...init, signal: call.stop.signal })
      const response = limitMessages(checkRefusal(fetched, { method, refused }), { mostBytes, exceeded })
      return watchResponse(await readableError(response, asked), { call, calls, leave, ended })
    } catch (error) {
      leave()
      calls.end(call)
      throw error
    }
  }

  return async (url, init = {}) => {
    if (init.method === 'GET') return resume(url, init)
    const message: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined
    if (isRequest(message)) return post(message, url, init)
    const id = cancelledId(message)
    // A cancelled request that waits for a user must not be sent after the user agrees.
    if (id !== undefined) calls.cancel(id)
    const response = checkRefusal(await agent.fetch(url, init), { method: undefined, refused })
    return limitMessages(response, { mostBytes, exceeded: () => undefined })
  }
}

interface Resuming {
  readonly attempts: number
  readonly onLost: ((lost: Lost) => void) | undefined
  readonly mostBytes: number
  readonly calls: CallStreams
}

/** The fetch for GET: opens the stream of the session, and resumes streams that broke off. */
function resumingFetch(
  agent: Pick<Agent, 'fetch'>,
  { attempts, onLost, mostBytes, calls }: Resuming,
): (url: string | URL, init: RequestInit) => Promise<Response> {
  // Failed attempts by event.
  // bound: 100 events; bytes: 100 × the id of an event; grown by a peer; filled by bounded-collections-fills.test.ts "a
  // bounded map"
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
    return stopResponse()
  }
  return async (url, init) => {
    const lastEventId = new Headers(init.headers).get('last-event-id')
    // A closed transport clears the timer of one stream only: those of other streams still fire.
    if (init.signal?.aborted === true) return stopResponse()
    if (lastEventId === null)
      return limitMessages(await agent.fetch(url, init), { mostBytes, exceeded: () => undefined })
    const call = calls.resume(lastEventId)
    // What was too large comes again.
    if (call?.isCancelled || call?.isTooLarge) return stopResponse()
    const exceeded = (cause: Error): void => {
      if (call !== undefined) call.isTooLarge = true
      onLost?.(call === undefined ? { lastEventId, cause } : { id: call.id, cause })
    }
    const times = (failures.get(lastEventId) ?? 0) + 1
    try {
      const response = limitMessages(await agent.fetch(url, init), { mostBytes, exceeded })
      // 204 means that the stream has ended.
      if (response.status === 204) return refused(lastEventId, response)
      if (response.ok) {
        failures.delete(lastEventId)
        if (call === undefined) return response
        return watchResponse(response, { call, calls, leave: () => {}, ended: () => {} })
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

/** The response after which a transport does not try to open a stream again; after others it would use all its attempts. */
function stopResponse(): Response {
  return new Response(null, { status: 405 })
}

/**
 * Checks for a response that the agent explains.
 * @throws the SDK's error with the agent's reason
 */
function checkRefusal(
  response: Response,
  { method, refused }: Pick<AgentFetchOptions, 'refused'> & Pick<Refusal, 'method'>,
): Response {
  // The SDK reads by 404 that a session has ended.
  if (response.ok || response.status === 404) return response
  const reason = reasonOf(response)
  const error = reason === undefined ? undefined : refused({ status: response.status, reason, method })
  if (error === undefined) return response
  response.body?.cancel().catch(() => undefined)
  throw error
}

function reasonOf(response: Response): string | undefined {
  try {
    const { outcome, reason } = explain(response)
    // The transport itself reports a redirect.
    return outcome === 'redirect' ? undefined : reason
  } catch {
    // Not every agent can explain a response: a plain `fetch` cannot.
    return undefined
  }
}

interface WatchedCall {
  readonly call: CallStream
  readonly calls: CallStreams
  readonly leave: () => void
  readonly ended: () => void
}

/** The same response. When it ends, `ended` is called if it may have had an answer, otherwise `leave`. */
function watchResponse(response: Response, { call, calls, leave, ended }: WatchedCall): Response {
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

/**
 * Lets controllers follow a signal until they leave it. Not `AbortSignal.any`: the signal lives as long as its transport, and would
 * keep a signal for each request that long.
 */
function abortFollowers(): (controller: AbortController, signal: AbortSignal | null | undefined) => () => void {
  const followers = new WeakMap<AbortSignal, Set<AbortController>>()
  const listen = (signal: AbortSignal): Set<AbortController> => {
    // bound: requests of one transport that are under way; grown by the program
    const all = new Set<AbortController>()
    followers.set(signal, all)
    const end = (): void => {
      for (const controller of all) controller.abort(signal.reason)
    }
    signal.addEventListener('abort', end, { once: true })
    return all
  }
  return (controller, signal) => {
    if (signal === null || signal === undefined) return () => undefined
    if (signal.aborted) controller.abort(signal.reason)
    const all = followers.get(signal) ?? listen(signal)
    all.add(controller)
    return () => void all.delete(controller)
  }
}
