import type { Duplex } from 'node:stream'
import type { HeadJudgement, ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'

/** A connection of another protocol, to join with the caller's. */
export interface Upgraded {
  /** The header lines of the 101 response, with `Connection` and `Upgrade`. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** The connection to join. */
  readonly socket: Duplex
  /** Bytes that were already received from it. */
  readonly head: Uint8Array
}

/** One part of the protocol (agent server, auth server, resource, gateway) as a server runs it. */
export interface Participant {
  /** Answers a request. An error that it throws becomes an error response; an `AAuthError` keeps its code and status. */
  handle(message: ReceivedMessage): Promise<Response>
  /**
   * Judges a request by its head, before its body is read: a request whose head is refused comes to `handle` without its body.
   * Emits no event and counts for no limit. Default: every body is read.
   */
  judgeHead?(head: ReceivedMessage): HeadJudgement
  /**
   * Answers a request to switch to WebSocket, or returns the connection to join. Default: such requests go to `handle`.
   * @see RFC 9110 §7.8, RFC 6455
   */
  upgrade?(message: ReceivedMessage): Promise<Response | Upgraded>
  /** Called for a request that the server refuses before it reaches the participant, e.g. one with a body over the limit. */
  refused?(request: { readonly requestId: string }, error: AAuthError): void
  /** Rejects while the participant cannot do its work, e.g. because its database is unreachable. */
  ready?(): Promise<void>
  /** Called once, after the last request has ended. */
  close?(): Promise<void>
}
