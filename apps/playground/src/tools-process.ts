import { createDiscovery } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'
import { guardMcp } from '@countersign/mcp'
import { createResource } from '@countersign/resource'
import { keysFile, serve, type TracedExchange } from '@countersign/server'
import { decisionLog } from './decision-log.js'
import { toolsRules, toolsScopes, toolsServer } from './tools.js'

/** The arguments of the tools: identifiers of other participants, and a file. */
export interface ToolsOrder {
  readonly authServer: string
  readonly keys: string
  readonly calendar: string
  readonly rooms: string
  readonly roomsAuthServer: string
}

// The tools as a process of their own: `node tools-process.js ID PORT ORDER`, the last in JSON.
const [id = '', port = '', order = '{}'] = process.argv.slice(2)
const { authServer, keys, calendar, rooms, roomsAuthServer } = JSON.parse(order) as ToolsOrder
const resource = createResource({
  id,
  keys: await keysFile(keys, { onMade: () => undefined }),
  authServers: [authServer],
  scopes: toolsScopes,
  discovery: createDiscovery({ fetcher: guardedFetcher({ dangerouslyAllowLoopback: true }), development: true }),
  // Tokens are exchanged at the auth servers of calendar and rooms, which have rules for it.
  downstream: {
    acceptAuthServer: [authServer, roomsAuthServer],
    identifyTo: [calendar, rooms],
    name: 'Playground Tools',
  },
  development: true,
  onEvent: decisionLog('tools'),
})
// bound: users of the playground; grown by the program
const notes = new Map<string, string[]>()
await serve({
  name: 'tools',
  id,
  port: Number(port),
  development: true,
  participant: guardMcp(() => toolsServer({ calendar, rooms, notes }), resource, toolsRules),
  trace: (exchange: TracedExchange) => process.send?.(exchange),
})
// The playground has ended: this process must not outlive it.
process.once('disconnect', () => process.exit(0))
