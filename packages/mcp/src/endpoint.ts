import type { Guarded, Resource } from '@countersign/resource'
import type { McpHttpHandler, McpRequestContext, McpServer, Server } from '@modelcontextprotocol/server'
import type { Continuations } from './continued/continuations.js'
import type { NameProof } from './rules/names.js'
import type { RuleBook } from './rules/rule-book.js'
import type { Exchanges } from './served/exchange.js'
import type { StreamShares } from './stream/shares.js'

/** Creates the server that answers one request of a caller. */
export type CreateServer = (
  aauth: Guarded,
  context: McpRequestContext,
) => McpServer | Server | Promise<McpServer | Server>

/** An endpoint, and the parts that it works with. */
export interface Endpoint<S extends string> {
  readonly resource: Resource<S>
  readonly rules: RuleBook<S>
  /** Remembers which rules name something that the server has. */
  readonly proof: NameProof
  /** Serves requests of callers; what the server sends passes the guard. */
  readonly handler: McpHttpHandler
  /** Serves requests of the guard itself. */
  readonly unwatched: McpHttpHandler
  readonly exchanges: Exchanges<S>
  readonly continuations: Continuations
  readonly shares: StreamShares
  /** Requests that wait for a user. */
  readonly waits: StreamShares
  readonly streamSeconds: number
  /** Whether handlers can call other services: then a response may have to wait for the result of such a call. */
  readonly holds: boolean
  readonly now: () => number
}
