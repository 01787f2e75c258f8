import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { fromRequest, type ReceivedMessage } from '@countersign/httpsig'
import { fromNode } from '@countersign/httpsig/node'

/** What a server puts beside the request; on Node, `@hono/node-server` puts the request as Node received it. */
export interface ServerBindings {
  readonly incoming?: IncomingMessage | Http2ServerRequest
}

/** The message as received: exact where the server shows Node's own request, else what a Fetch request still knows. */
export async function receive(
  request: Request,
  bindings: ServerBindings | undefined,
  bodyLimit: number,
): Promise<ReceivedMessage> {
  const incoming = bindings?.incoming
  return incoming === undefined ? fromRequest(request, { bodyLimit }) : fromNode(incoming, { bodyLimit })
}
