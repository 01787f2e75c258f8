import { IncomingMessage } from 'node:http'
import { Http2ServerRequest } from 'node:http2'
import { setImmediate as turn } from 'node:timers/promises'
import { type BodyCheck, fromRequest, type ReceivedMessage, receiveRequest } from '@countersign/httpsig'
import {
  abortRequest,
  bodyStream,
  checkBody,
  headFromNode,
  holdBody,
  isCutOff,
} from '@countersign/httpsig/internal/node'
import { receiveNode } from '@countersign/httpsig/node'
import { refusal } from '@countersign/protocol/internal'
import type { AnswerRule } from '../answer/answer-rule.js'
import { bodiless, checkedRequest, limitOf, type ReceivedFetch, type Receiving, streaming } from './adapter.js'
import { askWhole, holdAnswer } from './held-answer-node.js'
import { endWhenRevoked, headersNow, type NodeResponse, releaseAnswer } from './outgoing-node.js'
import { revocableResponse, type WhileOpen } from './revocable.js'

/** What a server may put beside the request that shows it as it was received. */
export interface ServerBindings {
  /** Node's own request: `@hono/node-server` puts it there. */
  readonly incoming?: IncomingMessage | Http2ServerRequest
  /** Node's own response, from there, too. */
  readonly outgoing?: NodeResponse
  /** The received message itself, where the server has read it already. */
  readonly received?: ReceivedMessage
}

/** The message as received: exact where the server shows it, else what a Fetch request still knows. Its body is unread. */
export async function receive(
  request: Request,
  bindings: ServerBindings | undefined,
  how: Receiving,
): Promise<ReceivedFetch> {
  if (bindings?.received !== undefined) return { message: bindings.received, request }
  const incoming = bindings?.incoming
  if (incoming === undefined) return receiveShown(request, bindingsOf(request), how)
  if (!incoming.readableDidRead) {
    const message = await receiveNode(incoming, { bodyLimit: limitOf(how), leaveBody: how.rule === 'stream' })
    const isStreamed = how.rule === 'stream' && message.unread !== undefined
    return { message, request: isStreamed ? await unqueued(request, incoming) : request }
  }
  // A middleware took the body and left a request with a body: verify that one, since the handler gets it.
  const { body } = await unread(request, how.bodyLimit)
  const head = headFromNode(incoming)
  return { message: body === undefined ? head : { ...head, body }, request }
}

/**
 * Node's own request behind a Fetch request: `@hono/node-server` passes it beside the request, and keeps it in there under a symbol,
 * for handlers that were passed the request alone.
 */
export function bindingsOf(request: Request, beside?: unknown): ServerBindings | undefined {
  const within = Object.getOwnPropertySymbols(request).map(
    name => (request as unknown as Record<symbol, unknown>)[name],
  )
  const passed = typeof beside === 'object' && beside !== null && 'incoming' in beside ? beside.incoming : undefined
  const incoming = [passed, ...within].find(isNodeRequest)
  return incoming && { incoming }
}

function isNodeRequest(value: unknown): value is IncomingMessage | Http2ServerRequest {
  return value instanceof IncomingMessage || value instanceof Http2ServerRequest
}

/** The message as the Fetch request shows it. Its body is unread, and waits in Node's own request where there is one. */
export async function receiveShown(
  request: Request,
  bindings: ServerBindings | undefined,
  how: Receiving,
): Promise<ReceivedFetch> {
  const incoming = bindings?.incoming
  const isQueued = incoming === undefined || incoming.readableDidRead || bodiless.has(request.method)
  const own = isQueued ? request : await unqueued(request, incoming)
  if (!isQueued && own !== request) holdBody(incoming)
  return { message: receiveRequest(own, { bodyLimit: limitOf(how) }), request: own }
}

/**
 * The request with a body that waits in Node's own: the one that the platform gives it queues each chunk that comes (DIG-20). The
 * same request where the platform reads that already, since two readers would each get a part.
 */
async function unqueued(request: Request, incoming: IncomingMessage | Http2ServerRequest): Promise<Request> {
  const { url, method, headers, signal } = request
  if (bodiless.has(method)) return request
  // The platform begins to read in the next turn where `body` was accessed, or, in some versions, `signal`.
  await turn()
  const listeners = incoming.listenerCount('data') + incoming.listenerCount('readable')
  if (incoming.readableFlowing === true || listeners > 0) return request
  return new Request(url, { method, headers, signal, ...streaming(bodyStream(incoming)) })
}

/** The response, which ends when its grant is revoked: Node's own is cut off, where the server shows it. */
export function endingWithGrant(
  response: Response,
  bindings: ServerBindings | undefined,
  whileOpen: WhileOpen,
): Response {
  if (bindings?.outgoing === undefined) return revocableResponse(response, whileOpen)
  endWhenRevoked(bindings.outgoing, whileOpen)
  return response
}

/** With this header `@hono/node-server` sends nothing: the handler writes to Node's own response. */
const alreadySent = 'x-hono-already-sent'

/**
 * Holds what a handler writes to Node's own response, past the one that it returns: both are its answer.
 * @returns after the handler, whether Node's own response is the answer; otherwise it is let go
 */
export function holdBeside(bindings: ServerBindings | undefined, rule: AnswerRule): (response: Response) => boolean {
  const { incoming, outgoing } = bindings ?? {}
  if (incoming === undefined || outgoing === undefined) return () => false
  askWhole(incoming)
  holdAnswer({ request: incoming, response: outgoing, rule, takeBack: headersNow(outgoing) })
  return ({ headers }) => {
    if (headers.has(alreadySent)) return true
    releaseAnswer(outgoing)
    return false
  }
}

/** The request with a body that is checked as it is read. A body that fails the check is aborted with its connection. */
export function checkedBody(request: Request, bindings: ServerBindings | undefined, check: BodyCheck): Request {
  const incoming = bindings?.incoming
  // Fetch shows no body of a GET: a handler that reads Node's own request must not get an unchecked one.
  if (request.body === null && incoming !== undefined) checkBody(incoming, check)
  const aborting = (step: () => void): void => {
    try {
      step()
    } catch (error) {
      // After the reader has learnt of it.
      if (incoming !== undefined) setImmediate(() => abortRequest(incoming, error as Error))
      throw error
    }
  }
  return checkedRequest(request, {
    update: chunk => aborting(() => check.update(chunk)),
    end: () =>
      aborting(() => {
        if (incoming !== undefined && isCutOff(incoming)) throw refusal('request_cut_off')
        check.end()
      }),
  })
}

/** If a body that was read counted as no body, an unsigned body would get in (DIG-13). */
async function unread(request: Request, bodyLimit: number): Promise<ReceivedMessage> {
  if (request.bodyUsed) throw new TypeError('the body was read before guard(): put guard() before what reads it')
  return fromRequest(request, { bodyLimit })
}
