import type { Stand } from '../../processes.fixture.js'
import type { AgentSubject } from '../servers.fixture.js'
import type { Subject } from '../site.fixture.js'
import { brokenAgents, legalAgents } from './agent.js'
import { brokenAgentServers, legalAgentServers } from './agent-server.js'
import { brokenAuthServers, legalAuthServers } from './auth-server.js'
import type { BrokenPeer, LegalVariant, PeerChange } from './broken-peer.js'
import { brokenMcpServers, legalMcpServers } from './mcp.js'
import { peerAgent } from './peer-agent.fixture.js'
import { startPeerAgentServer } from './peer-agent-server.fixture.js'
import { startAuthServerPeer } from './peer-auth-server.fixture.js'
import { mcpGroups, startMcpServers } from './peer-mcp.fixture.js'
import { startResource } from './peer-resource.fixture.js'
import { brokenResources, legalResources } from './resource.js'

/** A reference peer, and all that is made of it. */
export interface RolePeers {
  readonly name: string
  readonly role: 'resource' | 'auth-server' | 'agent-server' | 'agent'
  /** The groups of cases that judge it; absent: all of its role. */
  readonly groups?: readonly string[]
  readonly start: (place: Stand, change?: PeerChange) => Promise<Subject | AgentSubject>
  readonly broken: readonly BrokenPeer[]
  readonly legal: readonly LegalVariant[]
}

/** The reference peers of all roles; that of a resource is judged a second time by its MCP servers. */
export const peers: readonly RolePeers[] = [
  { name: 'resource', role: 'resource', start: startResource, broken: brokenResources, legal: legalResources },
  {
    name: 'MCP server',
    role: 'resource',
    groups: mcpGroups,
    start: startMcpServers,
    broken: brokenMcpServers,
    legal: legalMcpServers,
  },
  {
    name: 'auth-server',
    role: 'auth-server',
    start: startAuthServerPeer,
    broken: brokenAuthServers,
    legal: legalAuthServers,
  },
  {
    name: 'agent-server',
    role: 'agent-server',
    start: startPeerAgentServer,
    broken: brokenAgentServers,
    legal: legalAgentServers,
  },
  { name: 'agent', role: 'agent', start: peerAgent, broken: brokenAgents, legal: legalAgents },
]
