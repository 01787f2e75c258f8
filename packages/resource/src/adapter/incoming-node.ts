import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { ReceivedMessage } from '@countersign/httpsig'
import { checkBody, connectionOfNode } from '@countersign/httpsig/internal/node'
import { receiveNode as receive } from '@countersign/httpsig/node'
import type { CorsRequest } from '@countersign/protocol'
import { checkOptions } from '@countersign/protocol/internal'
import type { BodyRule } from '../guard/requirement.js'
import type { StreamedBody } from '../guard/streamed-body.js'
import { limitOf, type Received, receivedBefore, unreadable } from './adapter.js'

/** A request as Node shows it. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** Options of the adapters on Node. */
export interface NodeOptions {
  /** Largest body in bytes; above it 413. Default 1 MiB. */
  readonly bodyLimit?: number
}

/** Refuses what the adapters on Node do not take. @throws TypeError */
export function checkNodeOptions(taker: 'guard' | 'wellKnown', options: NodeOptions): void {
  checkOptions(taker, options, { bodyLimit: 'number' })
}

const received: unique symbol = Symbol('countersign.received')
const checked: unique symbol = Symbol('countersign.checked')
const named: unique symbol = Symbol('countersign.named')

interface Seen {
  /** The whole target, from a router that shortens `url` for a mounted app. */
  readonly originalUrl?: string
  /** How loggers name it, pino-http for one. */
  readonly id?: unknown
  /** How the framework names it, where it does. */
  [named]?: string
  /** A body can be read only once: it is kept with its request for the next guard. */
  [received]?: Received
  /** Its body is checked as it is read, once for all guards. */
  [checked]?: true
}

/** The target as it came, whatever a router has made of `url` since. */
export function targetOf(request: NodeRequest & Seen): string {
  return request.originalUrl ?? request.url ?? ''
}

/** How a request is received. */
export interface NodeReceiving {
  readonly rule?: BodyRule
  /** By which the end of its connection shows. */
  readonly response?: ServerResponse | Http2ServerResponse
}

/**
 * The message as it came, or the answer where it cannot be had. Its body is unread, and stays in the request for whatever parses it.
 * @throws TypeError when something has read the body before
 */
export async function receiveNode(
  request: NodeRequest & Seen,
  { bodyLimit = 1_048_576 }: NodeOptions,
  { rule = 'whole', response }: NodeReceiving = {},
): Promise<ReceivedMessage | Response> {
  const known = request[received]
  if (known !== undefined) return receivedBefore(known, rule)
  try {
    const came = await receive(request, { bodyLimit: limitOf({ bodyLimit, rule }), leaveBody: true })
    const requestId = nameOf(request)
    const message = {
      ...came,
      target: targetOf(request),
      ...(requestId === undefined ? {} : { requestId }),
      ...(response === undefined ? {} : { connection: connectionOfNode(request, response) }),
    }
    request[received] = { message, rule }
    return message
  } catch (thrown) {
    return unreadable(thrown)
  }
}

/**
 * Has the body checked as the handler reads it.
 * @returns the refusal if the bytes received so far are wrong already: no handler may run
 */
export async function checkedNode(request: NodeRequest & Seen, body: StreamedBody): Promise<Response | undefined> {
  // A request without a body has none to check.
  if (request[checked] || request[received]?.message.unread === undefined) return undefined
  request[checked] = true
  try {
    checkBody(request, body)
    return undefined
  } catch (error) {
    return body.refusal(error)
  }
}

/** Notes the name that a framework has for a request, for events. @returns the same request */
export function nameNode<Q extends NodeRequest>(request: Q & Seen, name: string): Q {
  request[named] = name
  return request
}

function nameOf({ id, [named]: name }: Seen): string | undefined {
  return name ?? (typeof id === 'string' || typeof id === 'number' ? String(id) : undefined)
}

/** Whether a guard has read this request. */
export function isReceived(request: NodeRequest & Seen): boolean {
  return request[received] !== undefined
}

/** What CORS looks at, also where a request is too odd to be read. */
export function corsRequestOf({ method = '', rawHeaders }: NodeRequest): CorsRequest {
  const headers = rawHeaders.flatMap(
    (name, at): Array<readonly [string, string]> =>
      at % 2 === 0 && !name.startsWith(':') ? [[name, rawHeaders[at + 1] ?? '']] : [],
  )
  return { method, headers }
}

/**
 * Drops what is left of a refused request's body, for a second at most: a connection closed while the peer still sends is
 * reset, and the answer that says why is lost.
 * @returns whether the request has come to its end, so that the connection can serve another
 */
export async function dropBody(request: NodeRequest): Promise<boolean> {
  request.resume()
  const ended = (): boolean => request.complete || request.readableEnded
  if (!ended()) await once(request, 'end', { signal: AbortSignal.timeout(1000) }).catch(() => undefined)
  return ended()
}
