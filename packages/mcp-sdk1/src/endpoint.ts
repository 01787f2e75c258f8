import type { NameProof, RuleBook } from '@countersign/mcp/internal'
import type { Guarded, Resource } from '@countersign/resource'
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { ownRequests } from './session/own-requests.js'
import type { Sessions } from './session/sessions.js'
import type { RecentEvents } from './stream/events.js'
import type { Purpose, Requests } from './stream/requests.js'

/** An MCP server of the SDK: `McpServer`, or `Server`. */
export interface McpServerLike {
  connect(transport: Transport): Promise<void>
  close(): Promise<void>
}

/** The parts of a session. */
export interface SessionParts<S extends string> {
  readonly server: McpServerLike
  readonly transport: WebStandardStreamableHTTPServerTransport
  readonly requests: Requests<S>
  readonly events: RecentEvents<Purpose<S>>
  /** Sends requests of the guard's own to the server. */
  readonly ask: ReturnType<typeof ownRequests>
}

/** An endpoint, and the parts that it works with. */
export interface Endpoint<S extends string> {
  createServer(aauth: Guarded): McpServerLike | Promise<McpServerLike>
  readonly resource: Resource<S>
  readonly rules: RuleBook<S>
  readonly sessions: Sessions<SessionParts<S>>
  /** Remembers which rules name something that the server has. */
  readonly proof: NameProof
  /** Creates the event store of a session. */
  eventsOf(crowd: string): RecentEvents<Purpose<S>>
  readonly streamSeconds: number
  /** Whether handlers can call other services: then a response may have to wait for the result of such a call. */
  readonly holds: boolean
  readonly now: () => number
}
