import type { Duplex } from 'node:stream'
import type { HeadJudgement, ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'

/** A connection that goes on in another protocol. */
export interface Upgraded {
  /** The header lines of the 101, `Connection` and `Upgrade` among them. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** The other end. */
  readonly socket: Duplex
  /** What has come from the other end already. */
  readonly head: Uint8Array
}

/** One part of the protocol (agent server, auth server, resource, gateway) as a server runs it. */
export interface Participant {
  /** Answers a request. What it throws becomes an error response; an `AAuthError` keeps its code and status. */
  handle(message: ReceivedMessage): Promise<Response>
  /**
   * Judges a request by its head, before its body is read: what is refused by that alone comes to `handle` without its body.
   * Default: every body is read. It tells and counts nothing.
   */
  judgeHead?(head: ReceivedMessage): HeadJudgement
  /**
   * Answers a request to go on as a WebSocket, or says what it is joined to. Without it such requests are answered as any other.
   * @see RFC 9110 §7.8, RFC 6455
   */
  upgrade?(message: ReceivedMessage): Promise<Response | Upgraded>
  /** Told of a request that the server refuses itself, before it reaches the participant: a body over the limit, say. */
  refused?(request: { readonly requestId: string }, error: AAuthError): void
  /** Rejects while the participant cannot do its work, e.g. because its database is away. */
  ready?(): Promise<void>
  /** Called once, after the last request has ended. */
  close?(): Promise<void>
}
