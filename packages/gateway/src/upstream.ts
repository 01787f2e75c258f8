import { Agent as HttpAgent, request as httpRequest, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { CallerGone, stateWatch, type UpstreamState } from './upstream-state.js'

/** One request to the upstream. */
export interface UpstreamRequest {
  readonly method: string
  /** The raw target, sent byte for byte. */
  readonly target: string
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body?: Uint8Array | undefined
  /** The connection of the caller: when it closes, this request is aborted, and what the API still sends of its answer. */
  readonly caller?: ReceivedMessage['connection'] | undefined
}

/** The server behind the gateway. */
export interface Upstream {
  /** @throws AAuthError `temporarily_unavailable` when it does not answer */
  send(request: UpstreamRequest): Promise<IncomingMessage>
  /**
   * Sends a request to switch protocols; the connection then belongs to the caller.
   * @throws AAuthError `temporarily_unavailable` when it does not answer
   */
  upgrade(request: UpstreamRequest): Promise<IncomingMessage | Switched>
  /** Rejects while the upstream is not reachable or its health path fails. */
  check(): Promise<void>
  /** Sends no new requests; requests under way continue. */
  retire(): void
  /** Closes all connections. */
  close(): void
}

/** A connection that has switched to the requested protocol. */
export interface Switched {
  readonly response: IncomingMessage
  readonly socket: Duplex
  /** Bytes that followed the head of the response. */
  readonly head: Buffer
}

/** The options of {@link openUpstream}. */
export interface UpstreamOptions {
  /** E.g. `http://127.0.0.1:8080`; a path in it is refused, since the path that was verified must be the path that is requested. */
  readonly origin: string
  /** Seconds until the head of the response must arrive. */
  readonly timeout: number
  /** A path that answers 2xx or 3xx to a GET while the API can do its work; default: the API must accept a connection. */
  readonly healthPath?: string | undefined
  readonly onState?: ((state: UpstreamState) => void) | undefined
}

/**
 * Opens an upstream.
 * Uses Node's own client: `fetch` would rewrite the target, and the path that was verified must be the path that is requested.
 * @throws TypeError when `origin` is not an http or https origin, or `healthPath` no path
 */
export function openUpstream({ origin, timeout, healthPath, onState }: UpstreamOptions): Upstream {
  const url = originOf(origin)
  checkHealthPath(healthPath)
  const secure = url.protocol === 'https:'
  const place = { secure, host: hostOf(url), port: url.port, authority: url.host }
  const Agent = secure ? HttpsAgent : HttpAgent
  const [agent, alone] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: false })]
  const state = stateWatch(onState)
  const ask = (request: UpstreamRequest, reuse: boolean, seconds = timeout) =>
    exchange({ place, request, timeout: seconds, agent: reuse ? agent : alone })
  const sendTwice = async (request: UpstreamRequest): Promise<IncomingMessage> => {
    // A kept connection may close at the moment it is used, so only requests that are safe to repeat use one.
    // A request with a body gets a connection of its own: an API that ignores the body would read it as a next, unverified request.
    const safe = (request.method === 'GET' || request.method === 'HEAD') && request.body === undefined
    try {
      return answerIn(await ask(request, safe), request)
    } catch (error) {
      const isClosed = error instanceof AAuthError && error.cause instanceof ClosedConnection
      if (safe && isClosed) return answerIn(await ask(request, false), request)
      throw error
    }
  }
  return {
    send: request => state.watch(sendTwice(request)),
    upgrade: request => state.watch(ask(request, false)),
    check: () => state.watch(healthPath === undefined ? reach(url, timeout) : healthy(healthPath, ask)),
    retire: () => retire(agent),
    close: () => agent.destroy(),
  }
}

function answerIn(answer: IncomingMessage | Switched, { method }: UpstreamRequest): IncomingMessage {
  if (answer instanceof IncomingMessage) return answer
  // The upstream switched protocols without a request to do so.
  answer.socket.destroy()
  throw unanswered(method, new Error('switched protocols'))
}

function checkHealthPath(path: string | undefined): void {
  if (path !== undefined && !/^\/[\x21-\x7e]*$/.test(path))
    throw new TypeError('healthPath must be a path such as /healthz')
}

/** Seconds for a health response: less than the server waits for readiness. */
const healthSeconds = 4

async function healthy(
  target: string,
  ask: (request: UpstreamRequest, reuse: boolean, seconds: number) => Promise<IncomingMessage | Switched>,
): Promise<void> {
  const answer = await ask({ method: 'GET', target, headers: [] }, false, healthSeconds)
  const { statusCode = 0 } = answer instanceof IncomingMessage ? answer.resume() : answer.response
  answer.socket.destroy()
  if (statusCode < 200 || statusCode > 399) throw new Error(`the health path of the API behind answers ${statusCode}`)
}

/** Closes idle connections now, and the others when they become idle. */
function retire(agent: HttpAgent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}

function originOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || `${url.origin}/` !== url.href)
    throw new TypeError('upstream must be an origin such as http://127.0.0.1:8080, without a path')
  return url
}

function reach(url: URL, timeout: number): Promise<void> {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostOf(url), port, timeout: timeout * 1000 })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('timeout', () => socket.destroy(new Error('no connection in time')))
    socket.once('error', reject)
  })
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** The other side closed a kept connection before the response began: the cause of a refusal. */
class ClosedConnection extends Error {}

/** Where requests go. Read once: a URL makes each of its parts anew. */
interface Place {
  readonly secure: boolean
  readonly host: string
  readonly port: string
  readonly authority: string
}

interface Exchange {
  readonly place: Place
  readonly request: UpstreamRequest
  readonly timeout: number
  readonly agent: HttpAgent
}

function exchange({ place, request, timeout, agent }: Exchange): Promise<IncomingMessage | Switched> {
  const { secure, host, port, authority } = place
  const { method, target, body, caller } = request
  return new Promise((resolve, reject) => {
    const outgoing = (secure ? httpsRequest : httpRequest)({
      host,
      port,
      method,
      path: target,
      headers: linesOf(authority, request),
      setHost: false,
      agent,
    })
    let isOver = false
    const over = (): void => {
      isOver = true
      clearTimeout(timer)
    }
    const stay = caller?.whenGone(() => outgoing.destroy(new CallerGone()))
    const fail = (cause: Error): void => {
      over()
      const isClosed = outgoing.reusedSocket && isReset(cause)
      const why = isClosed ? new ClosedConnection('a kept connection was closed', { cause }) : cause
      reject(cause instanceof CallerGone ? cause : unanswered(method, why))
    }
    const timer = setTimeout(() => outgoing.destroy(new Error('no answer in time')), timeout * 1000)
    outgoing.on('response', response => {
      over()
      // An API that sends the body all the same would have it taken for the answer to the next request on this connection.
      if (response.statusCode === 204 && announcesBody(response)) outgoing.shouldKeepAlive = false
      resolve(response)
    })
    outgoing.on('upgrade', (response, socket, head) => {
      over()
      resolve({ response, socket, head })
    })
    outgoing.on('error', fail)
    // The connection may close without an error: the caller would wait for ever.
    outgoing.on('close', () => {
      stay?.()
      if (!isOver) fail(new Error('closed without an answer'))
    })
    outgoing.end(body)
  })
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/** Names and values in turn, as Node sends them without looking at each twice. */
function linesOf(authority: string, { headers }: UpstreamRequest): string[] {
  const lines = ['Host', authority]
  for (const [name, value] of headers) lines.push(name, value)
  return lines
}

function unanswered(method: string, cause: Error): AAuthError {
  const about = 'the API behind this gateway'
  return refusal('dependency_unavailable', { about, retryAfter: retryAfter(method), cause })
}

/**
 * Seconds after which the caller may repeat a request that got no usable response. For an unsafe method, which the API may have
 * processed, longer than agents wait for an automatic retry.
 */
export function retryAfter(method: string): number {
  return method === 'GET' || method === 'HEAD' ? 5 : 60
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}
