import { fromRequest, type ReceivedMessage } from '@countersign/httpsig'

/** What a server may put beside the request that shows it as it was received. */
export interface ServerBindings {
  /** The received message itself, where the server has read it already. */
  readonly received?: ReceivedMessage
}

/** The message as received: exact where the server shows it, else what a Fetch request still knows. */
export async function receive(
  request: Request,
  bindings: ServerBindings | undefined,
  bodyLimit: number,
): Promise<ReceivedMessage> {
  return bindings?.received ?? fromRequest(request, { bodyLimit })
}
