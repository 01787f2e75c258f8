import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { fromRequest, type ReceivedMessage } from '@countersign/httpsig'
import { fromNode } from '@countersign/httpsig/node'

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
  bodyLimit: number,
): Promise<ReceivedMessage> {
  if (bindings?.received !== undefined) return bindings.received
  const incoming = bindings?.incoming
  return incoming === undefined ? fromRequest(request, { bodyLimit }) : fromNode(incoming, { bodyLimit })
}
