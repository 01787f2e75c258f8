import { createGateway } from '@countersign/gateway'
import { generateSigningKey } from '@countersign/httpsig'
import { createResource } from '@countersign/resource'
import { type Running, serve } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'

/** What a gateway asks of everything at an MCP server. */
export interface Asked {
  /** The path of the MCP server. */
  readonly path: `/${string}`
  readonly level: 'anonymous' | 'identified'
}

/** A gateway in front of an MCP server, which says nothing. */
export async function gatewayTo(upstream: string, { path, level }: Asked): Promise<Running> {
  const port = await freePort()
  const id = `http://localhost:${port}`
  const keys = [{ kid: 'r1', key: await generateSigningKey() }]
  const replay = startedReplaySet()
  const resource = createResource({ id, keys, authServers: [], scopes: {}, replay, development: true })
  const all = { '*': { level } }
  const routes = [{ path, requirement: { level }, mcp: { tools: all, prompts: all, resources: all } }]
  return serve({
    name: 'gateway',
    id,
    port,
    participant: createGateway({ resource, upstream, routes }),
    development: true,
    signals: false,
    announce: () => undefined,
    level: 'silent',
  })
}
