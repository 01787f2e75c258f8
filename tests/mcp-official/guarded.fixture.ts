import { generateSigningKey } from '@countersign/httpsig'
import { guardMcp } from '@countersign/mcp'
import { guardMcp as guardSessions } from '@countersign/mcp-sdk1'
import { createResource, type Resource } from '@countersign/resource'
import { type MountableParticipant, type Running, serve } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import type { OfficialServer } from './server.fixture.js'

/** Rules by which everybody may do everything. */
const open = { level: 'anonymous' } as const
const rules = { session: open, tools: { '*': open }, prompts: { '*': open }, resources: { '*': open } }

async function serveAs(participant: (resource: Resource) => MountableParticipant): Promise<Running> {
  const port = await freePort()
  const id = `http://localhost:${port}`
  const keys = [{ kid: 'r1', key: await generateSigningKey() }]
  const replay = startedReplaySet()
  const resource = createResource({ id, keys, authServers: [], scopes: {}, replay, development: true })
  return serve({
    name: 'tools',
    id,
    port,
    participant: participant(resource),
    development: true,
    signals: false,
    announce: () => undefined,
    level: 'silent',
  })
}

/** Serves it in sessions, as clients of 2025-11-25 know them, behind the guard for these. */
export function serveInSessions({ createServer }: OfficialServer): Promise<Running> {
  type Session = Parameters<typeof guardSessions>[0]
  const session = (() => createServer({ era: 'legacy' })) as unknown as Session
  return serveAs(resource => guardSessions(session, resource, rules))
}

/** Serves it behind the guard, each request by itself. */
export function serveGuarded({ createServer, bus }: OfficialServer): Promise<Running> {
  return serveAs(resource => guardMcp((_caller, context) => createServer(context), resource, { ...rules, bus }))
}
