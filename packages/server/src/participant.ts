import type { ReceivedMessage } from '@countersign/httpsig'

/** One part of the protocol (agent server, auth server, resource, gateway) as a server runs it. */
export interface Participant {
  /** Answers a request. What it throws becomes an error response; an `AAuthError` keeps its code and status. */
  handle(message: ReceivedMessage): Promise<Response>
  /** Rejects while the participant cannot do its work, e.g. because its database is away. */
  ready?(): Promise<void>
  /** Called once, after the last request has ended. */
  close?(): Promise<void>
}
