import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { type BodyCheck, fromRequest, type ReceivedMessage, unreadRequest } from '@countersign/httpsig'
import { abortRequest, checkBody, fromNode, headFromNode, isCutOff, unreadNode } from '@countersign/httpsig/node'
import { AAuthError } from '@countersign/protocol'
import { checkedRequest, type Reading, type ReadRequest } from './adapter.js'

/** What a server may put beside the request that shows it as it was received. */
export interface ServerBindings {
  /** Node's own request: `@hono/node-server` puts it there. */
  readonly incoming?: IncomingMessage | Http2ServerRequest
  /** The received message itself, where the server has read it already. */
  readonly received?: ReceivedMessage
}

/** The message as received: exact where the server shows it, else what a Fetch request still knows. */
export async function receive(
  request: Request,
  bindings: ServerBindings | undefined,
  { bodyLimit, rule, judgeHead }: Reading,
): Promise<ReadRequest> {
  const whole = (message: ReceivedMessage): ReadRequest => ({ message, request, isUnread: false })
  if (bindings?.received !== undefined) return whole(bindings.received)
  const incoming = bindings?.incoming
  if (incoming === undefined && rule === 'stream') return unreadRequest(request)
  if (incoming === undefined) return whole(await fromRequest(request, { bodyLimit, judgeHead }))
  if (!incoming.readableDidRead && rule === 'stream') return { request, ...(await unreadNode(incoming)) }
  if (!incoming.readableDidRead) return whole(await fromNode(incoming, { bodyLimit, judgeHead }))
  // A middleware took the body and left a request that still has it: what is verified is what the handler will get.
  const { body } = await unread(request, bodyLimit)
  const head = headFromNode(incoming)
  return whole(body === undefined ? head : { ...head, body })
}

/** The request whose body passes a check as it is read; one that does not is given up with its connection. */
export function checkedBody(request: Request, bindings: ServerBindings | undefined, check: BodyCheck): Request {
  const incoming = bindings?.incoming
  // Fetch shows no body of a GET: a handler that reads Node's own request must not get one that nobody has checked.
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
        if (incoming !== undefined && isCutOff(incoming))
          throw new AAuthError('invalid_request', 'the request was cut off')
        check.end()
      }),
  })
}

/** Taken for a request without a body, one whose body is gone would let a body in that nobody signed (DIG-13). */
async function unread(request: Request, bodyLimit: number): Promise<ReceivedMessage> {
  if (request.bodyUsed) throw new TypeError('the body was read before guard(): put guard() before what reads it')
  return fromRequest(request, { bodyLimit })
}
