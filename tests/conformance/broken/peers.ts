import type { Stand } from '../../processes.fixture.js'
import type { AgentSubject } from '../servers.fixture.js'
import type { Subject } from '../site.fixture.js'
import { brokenAgents, legalAgents } from './agent.js'
import { brokenAgentServers, legalAgentServers } from './agent-server.js'
import { brokenAuthServers, legalAuthServers } from './auth-server.js'
import type { BrokenPeer, LegalVariant, PeerChange } from './broken-peer.js'
import { peerAgent } from './peer-agent.fixture.js'
import { startPeerAgentServer } from './peer-agent-server.fixture.js'
import { startAuthServerPeer } from './peer-auth-server.fixture.js'
import { startResource } from './peer-resource.fixture.js'
import { brokenResources, legalResources } from './resource.js'

/** The reference peer of a role, and all that is made of it. */
export interface RolePeers {
  readonly role: 'resource' | 'auth-server' | 'agent-server' | 'agent'
  readonly start: (place: Stand, change?: PeerChange) => Promise<Subject | AgentSubject>
  readonly broken: readonly BrokenPeer[]
  readonly legal: readonly LegalVariant[]
}

/** The reference peers of all roles. */
export const peers: readonly RolePeers[] = [
  { role: 'resource', start: startResource, broken: brokenResources, legal: legalResources },
  { role: 'auth-server', start: startAuthServerPeer, broken: brokenAuthServers, legal: legalAuthServers },
  { role: 'agent-server', start: startPeerAgentServer, broken: brokenAgentServers, legal: legalAgentServers },
  { role: 'agent', start: peerAgent, broken: brokenAgents, legal: legalAgents },
]
