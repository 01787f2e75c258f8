import { createDiscovery } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'
import { guardMcp } from '@countersign/mcp/sdk1'
import { createResource } from '@countersign/resource'
import { keysFile, serve, type TracedExchange } from '@countersign/server'
import { decisionLog } from './decision-log.js'
import { toolsRules, toolsScopes, toolsServer } from './tools.js'

// The tools as a process of their own: `node tools-process.js ID PORT AUTH_SERVER CALENDAR KEYS_FILE`.
const [id = '', port = '', authServer = '', calendar = '', keys = ''] = process.argv.slice(2)
const resource = createResource({
  id,
  keys: await keysFile(keys, { onMade: () => undefined }),
  authServers: [authServer],
  scopes: toolsScopes,
  discovery: createDiscovery({ fetcher: guardedFetcher({ dangerouslyAllowLoopback: true }), development: true }),
  // Tokens for the calendar are exchanged at the auth server of both, which has a rule for it.
  downstream: { acceptAuthServer: [authServer], identifyTo: [calendar], name: 'Playground Tools' },
  development: true,
  onEvent: decisionLog('tools'),
})
const notes = new Map<string, string[]>()
await serve({
  name: 'tools',
  id,
  port: Number(port),
  development: true,
  participant: guardMcp(() => toolsServer({ calendar, notes }), resource, toolsRules),
  trace: (exchange: TracedExchange) => process.send?.(exchange),
})
// The playground has ended: this process must not outlive it.
process.once('disconnect', () => process.exit(0))
