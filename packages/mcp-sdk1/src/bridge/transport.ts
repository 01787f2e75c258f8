import type { Lost, RequestId, RpcMessage } from '@countersign/mcp/internal/client'

/** How a message is sent. */
export interface SendOptions {
  /** The request that a message belongs to. */
  readonly relatedRequestId?: RequestId
  /** Ends the stream of a request, which cancels it where each request has a stream of its own. */
  readonly requestSignal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
  /** Called with the event after which the stream of a request can be resumed. */
  readonly onresumptiontoken?: (token: string) => void
}

/** A transport of either line of the MCP SDK. */
export interface BridgeTransport {
  start(): Promise<void>
  // unchecked options options: others implement it, and we call it
  send(message: RpcMessage, options?: SendOptions): Promise<void>
  close(): Promise<void>
  onmessage?(message: RpcMessage): void
  onerror?(error: Error): void
  onclose?(): void
}

/** A transport to a server; `agentTransport` of either line makes one. */
export interface RemoteTransport extends BridgeTransport {
  readonly sessionId?: string | undefined
  /** Whether each request has a stream of its own, so that the end of the stream cancels it. */
  readonly hasPerRequestStream?: boolean | undefined
  setProtocolVersion?(version: string): void
  /** Tells the server that the session has ended. */
  terminateSession?(): Promise<void>
}

/** Whether errors hold the URL that a user must open. */
export type Links = 'told' | 'kept'

/** Creates a transport to the server. */
export type Connect = (onLost: (lost: Lost) => void) => RemoteTransport

/** What a line to the server tells. */
export interface LineOptions {
  readonly connect: Connect
  readonly links: Links
  /** Receives the messages for the client. */
  readonly toClient: (message: RpcMessage) => void
  /** Called when a new session has taken the place of one that the server ended. */
  readonly renewed?: (() => void) | undefined
  readonly closed: () => void
  readonly onError: (error: Error) => void
}

/** A connection to the server, in one of MCP's two ways. */
export interface Line {
  start(): Promise<void>
  fromClient(message: RpcMessage): void
  close(): Promise<void>
}

/** Translates between a client of one revision and a line of the other. */
export interface Adapter {
  fromClient(message: RpcMessage): void
  fromServer(message: RpcMessage): void
  /** The session is a new one: what the old one knew of the client is lost. */
  renewed?(): void
  close(): void
}

/** Most characters of an id that a server chooses. */
export const longestId = 256

/** Whether an id has a length that the bridge keeps. */
export const isShort = (id: RequestId): boolean => String(id).length <= longestId
