import type { NoPeer } from '../no-peer.js'

export const mcpSentences: readonly NoPeer[] = [
  { clause: 'mcp.one-reading', words: 'Guard and server must read the same message', why: 'beside' },
  { clause: 'mcp.task-rule', words: 'A URI must not go by a looser rule', why: 'beside' },
  { clause: 'mcp.route-holds', words: 'must be an error when the gateway starts', why: 'inside' },
]
