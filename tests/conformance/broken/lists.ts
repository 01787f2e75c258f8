import { brokenAgents } from './agent.js'
import { brokenAgentServers } from './agent-server.js'
import { brokenAuthServers } from './auth-server.js'
import type { BrokenPeer } from './broken-peer.js'
import { brokenMcpServers } from './mcp.js'
import { brokenResources } from './resource.js'

/** The broken peers of each role. */
export const brokenPeers: Readonly<Record<string, readonly BrokenPeer[]>> = {
  resource: [...brokenResources, ...brokenMcpServers],
  'auth-server': brokenAuthServers,
  'agent-server': brokenAgentServers,
  agent: brokenAgents,
}
