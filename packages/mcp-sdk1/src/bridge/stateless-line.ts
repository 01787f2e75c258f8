import {
  cancelledId,
  isAnswer,
  isRequest,
  type Lost,
  type RequestId,
  type RpcMessage,
  type RpcRequest,
} from '@countersign/mcp/internal/client'
import { type ParamHeaders, paramHeaders } from './param-headers.js'
import type { Line, LineOptions, RemoteTransport } from './transport.js'
import { isLost, unanswered, undelivered } from './undelivered.js'

/** A request of the client that waits for its answer. */
interface Waiting {
  readonly stop: AbortController
  /** The event after which its stream can be resumed. */
  lastEventId: string | undefined
}

interface Context extends Pick<LineOptions, 'toClient' | 'links' | 'onError'> {
  readonly transport: RemoteTransport
  readonly requests: Map<RequestId, Waiting>
  readonly params: ParamHeaders
  isClosing: boolean
}

/**
 * Passes the messages of a client to a server of revision 2026-07-28, and back. A request that cannot be delivered is answered with a
 * JSON-RPC error that says why; one that is cancelled ends, and so does a question to its user.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
 */
export function statelessLine({ connect, links, toClient, closed, onError }: LineOptions): Line {
  const transport = connect(lost => awaitAnswer(lost, context))
  // bound: requests of the client that are under way; grown by the program
  const context: Context = {
    transport,
    toClient,
    links,
    onError,
    requests: new Map(),
    params: paramHeaders(),
    isClosing: false,
  }
  return {
    async start() {
      transport.onmessage = message => fromServer(message, context)
      transport.onerror = onError
      transport.onclose = () => {
        if (!context.isClosing) closed()
      }
      await transport.start()
    },
    fromClient: message => fromClient(message, context),
    async close() {
      context.isClosing = true
      for (const [id, { stop }] of context.requests) {
        stop.abort()
        toClient(undelivered(id, unanswered()))
      }
      context.requests.clear()
      await transport.close().catch(onError)
    },
  }
}

function fromClient(message: RpcMessage, context: Context): void {
  if (context.isClosing) return
  if (isRequest(message)) {
    send(message, context)
    return
  }
  const id = cancelledId(message)
  if (id !== undefined) cancel(id, context)
  // Where each request has a stream, its end says that it is cancelled.
  if (id !== undefined && context.transport.hasPerRequestStream === true) return
  context.transport.send(message).catch(context.onError)
}

function send(request: RpcRequest, context: Context): void {
  const { transport, requests, params } = context
  const waiting: Waiting = { stop: new AbortController(), lastEventId: undefined }
  requests.set(request.id, waiting)
  params.learnFrom(request)
  const onresumptiontoken = (lastEventId: string): void => {
    waiting.lastEventId = lastEventId
  }
  const headers = params.of(request)
  transport
    .send(request, {
      requestSignal: waiting.stop.signal,
      onresumptiontoken,
      ...(headers === undefined ? {} : { headers }),
    })
    .catch(error => fail(request.id, error, context))
}

function cancel(id: RequestId, { requests }: Context): void {
  const waiting = requests.get(id)
  requests.delete(id)
  waiting?.stop.abort()
}

function fromServer(message: RpcMessage, context: Context): void {
  // A server of this revision asks in its results only.
  if (isRequest(message)) return
  if (isAnswer(message)) {
    if (message.id === undefined || !context.requests.delete(message.id)) return
    context.params.answered(message)
  }
  context.toClient(message)
}

function fail(id: RequestId, error: unknown, context: Context): void {
  const { requests, toClient, links, isClosing, params } = context
  if (!requests.delete(id) || isClosing) return
  params.forget(id)
  toClient(undelivered(id, error, links))
}

/** Fails lost requests after a short wait: an answer in the last bytes of a stream may still be in the parser. */
function awaitAnswer(lost: Lost, context: Context): void {
  setTimeout(() => {
    for (const [id, { lastEventId }] of context.requests)
      if (isLost(lost, id, lastEventId)) fail(id, lost.cause ?? unanswered(), context)
  }, 100)
}
