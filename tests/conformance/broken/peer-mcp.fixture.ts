import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { root, type Stand } from '../../processes.fixture.js'
import { playedParticipants } from '../judged.fixture.js'
import { type Subject, startedNode } from '../site.fixture.js'
import { algorithms, siteMcp, siteRoutes, siteStatelessMcp } from '../site-offers.fixture.mjs'
import type { PeerChange } from './broken-peer.js'

const program = join(root, 'packages/conformance/dist/peer/resource/main.js')

/** The groups of cases about MCP servers, and about every answer. */
export const mcpGroups: readonly string[] = [
  'mcp',
  'mcp sessions',
  'mcp streams',
  'mcp subjects',
  'mcp without sessions',
  'answers',
]

/** Starts the MCP servers of the reference peer of the role resource, perhaps with one line changed. */
export async function startMcpServers(place: Stand, change?: PeerChange): Promise<Subject> {
  const participants = await playedParticipants()
  const port = await freePort()
  const settings = join(place.folder, 'peer.json')
  const [authServer, downstream, agent] = ['authServer', 'downstream', 'agentServer'].map(
    name => `http://localhost:${participants[name]?.port}`,
  )
  // It is an agent, too.
  const mcp = { agent, deniedAgent: authServer }
  const counts = join(place.folder, 'counts')
  writeFileSync(settings, JSON.stringify({ port, authServers: [authServer], downstream, mcp, counts }))
  await place.start('the peer', [program, settings], startedNode(change))
  return {
    url: `http://localhost:${port}`,
    configuration: {
      participants,
      algorithms,
      routes: siteRoutes,
      mcp: siteMcp,
      statelessMcp: siteStatelessMcp,
      closedMcp: {
        target: '/mcp-closed',
        tools: ['identified plan', 'authorized write scope events.write'],
        denies: 'identified meet',
      },
    },
  }
}
