import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError, HeaderFields } from '@countersign/protocol'

/** A connection of another protocol, to join with the caller's. */
export interface Upgraded {
  /** The header lines of the 101 response, with `Connection` and `Upgrade`. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** The connection to join. */
  readonly socket: Duplex
  /** Bytes that were already received from it. */
  readonly head: Uint8Array
}

/** The answer of another server, which goes out as it comes: without the copies that the Fetch API makes of it. */
export interface Relayed {
  readonly status: number
  /** Without those of the connection. Names in lower case; each `set-cookie` is a line of its own. */
  readonly headers: HeaderFields & Iterable<readonly [name: string, value: string]>
  /** Undefined for an answer that has none, as to HEAD. Its receiver reads or destroys it. */
  readonly body: IncomingMessage | undefined
}

/** One part of the protocol (agent server, auth server, resource, gateway) as a server runs it. */
export interface Participant {
  /**
   * Answers a request. Its body is unread: `readBody(message)` of `@countersign/httpsig` reads it, once it is known who may send it. An
   * error that it throws becomes an error response; an `AAuthError` keeps its code and status.
   */
  handle(message: ReceivedMessage): Promise<Response>
  /** As `handle`, which a server then does not call: an answer of another server goes out as Node has received it. Default: `handle`. */
  relay?(message: ReceivedMessage): Promise<Response | Relayed>
  /**
   * Answers a request to switch to WebSocket, or returns the connection to join. Default: such requests go to `handle`.
   * @see RFC 9110 §7.8, RFC 6455
   */
  upgrade?(message: ReceivedMessage): Promise<Response | Upgraded>
  /** Called for a request that the server refuses before it reaches the participant, e.g. one with a body over the limit. */
  // unchecked options request: others implement it, and we call it
  refused?(request: { readonly requestId: string }, error: AAuthError): void
  /** Rejects while the participant cannot do its work, e.g. because its database is unreachable. */
  ready?(): Promise<void>
  /** Called once, after the last request has ended. */
  close?(): Promise<void>
}

/** Whether a connection of another protocol was opened. */
export function isUpgraded(answer: Response | Relayed | Upgraded): answer is Upgraded {
  return 'socket' in answer
}

/** Has a participant answer a request, as it does so with the fewest copies. */
export function answerOf(participant: Participant, message: ReceivedMessage): Promise<Response | Relayed> {
  return participant.relay?.(message) ?? participant.handle(message)
}
