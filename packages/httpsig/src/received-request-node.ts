import { checkOptions } from '#check-options'
import { refusal } from './error.js'
import { checkUntouched, hasNoBody, headFromNode } from './message/framing-node.js'
import { withKeptBody } from './message/kept-body-node.js'
import type { NodeRequest } from './message/node-request.js'
import { headerValues, type ReceivedMessage, readBody } from './message/received-message.js'
import { holdBody, nodeBody } from './message/unread-body-node.js'

/** How a request of Node is received. */
export interface ReceiveOptions {
  /** Most body bytes read. */
  readonly bodyLimit: number
  /** Names the request in logs and events. */
  readonly requestId?: string
  /** Leaves the body in the request when it is read: the next reader (events, a pipe, a body parser) gets exactly its bytes. */
  readonly leaveBody?: boolean
  /** Called once, before the body is read: for servers that send 100 Continue only to a request that may go on. */
  readonly onRead?: () => void
}

// Made once, since they are needed for each request.
const needed = ['bodyLimit'] as const
const receiveChecks = { bodyLimit: 'number', requestId: 'string', leaveBody: 'boolean', onRead: 'function' } as const

/**
 * Receives a request of `node:http` or `node:http2` exactly as it came: raw target, every header line, and the body whatever its framing.
 * The body is not read: it waits at its sender, small chunks merged, until `unread` of the message reads it. So a verifier can refuse a
 * request by its head. Nothing may have read the body before.
 * @throws HttpSigError 413 when the body is announced to be larger than the limit; 431 where Node may have dropped header lines; 400 for framings two parsers read differently, a `Host` that disagrees with `:authority`, or a request cut off
 * @throws TypeError when something has read the body before
 * @see protocol §3.3
 */
export async function receiveNode(request: NodeRequest, options: ReceiveOptions): Promise<ReceivedMessage> {
  checkOptions('receiveNode', options, receiveChecks, needed)
  const { bodyLimit, requestId, leaveBody = false } = options
  const head = headFromNode(request)
  const message = requestId === undefined ? head : { ...head, requestId }
  if (Number(headerValues(message, 'content-length')[0] ?? 0) > bodyLimit) throw refusal('body_too_large')
  const kept = withKeptBody(request, message, bodyLimit)
  if (kept !== undefined) return kept
  // The parser comes to the end of a message without a body before the next microtask runs.
  await undefined
  if (hasNoBody(request, message)) return message
  if (leaveBody) checkUntouched(request)
  holdBody(request)
  return { ...message, unread: nodeBody(request, { bodyLimit, leaveBody, onRead: options.onRead }) }
}

/**
 * As {@link receiveNode}, with the body read.
 * @throws HttpSigError as `receiveNode`, and for a body that is larger, or cut off
 * @throws TypeError when something has read the body before
 * @see protocol §3.3
 */
export async function fromNode(
  request: NodeRequest,
  options: Pick<ReceiveOptions, 'bodyLimit' | 'requestId'>,
): Promise<ReceivedMessage> {
  return readBody(await receiveNode(request, options))
}

/**
 * As {@link fromNode}, but leaves the body in the request: the next reader gets exactly the bytes of the message. An empty body,
 * whatever its framing, has ended when this resolves.
 * @throws HttpSigError as `fromNode`
 * @throws TypeError when something has read the body before, or has begun to
 * @see protocol §3.3
 */
export async function peekNode(
  request: NodeRequest,
  options: Pick<ReceiveOptions, 'bodyLimit'>,
): Promise<ReceivedMessage> {
  return readBody(await receiveNode(request, { ...options, leaveBody: true }))
}
