import type { Owner } from './owner.js'
import { openShares, type Shares } from './shares.js'
import type { Stream } from './streams.js'

/** What MCP servers keep, in memory. */
export interface McpState {
  /** By their id. */
  readonly sessions: Map<string, Session>
  readonly streams: Map<string, Stream>
  readonly tasks: Map<string, Begun>
  /** Questions to callers, by their `requestState`. */
  readonly questions: Map<string, Begun>
  readonly shares: Shares
}

/** A session of one server. */
export interface Session {
  readonly path: string
  owner: Owner
}

/** What a caller began by a call of a tool. */
export interface Begun {
  readonly owner: Owner
  readonly tool: string
}

export function openState(): McpState {
  return { sessions: new Map(), streams: new Map(), tasks: new Map(), questions: new Map(), shares: openShares() }
}
