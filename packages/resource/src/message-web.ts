import { fromRequest, type ReceivedMessage } from '@countersign/httpsig'

/** What a Fetch request still knows of the message as received. */
export async function receive(request: Request, _bindings: unknown, bodyLimit: number): Promise<ReceivedMessage> {
  return fromRequest(request, { bodyLimit })
}
