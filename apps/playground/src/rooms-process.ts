import { createDiscovery } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'
import { createResource } from '@countersign/resource'
import { keysFile, serve, type TracedExchange } from '@countersign/server'
import { decisionLog } from './decision-log.js'
import { honoParticipant } from './hono-participant.js'
import { rooms, roomsScopes } from './rooms.js'

// Rooms as a process of their own: `node rooms-process.js ID PORT AUTH_SERVER KEYS_FILE`.
const [id = '', port = '', authServer = '', keys = ''] = process.argv.slice(2)
const resource = createResource({
  id,
  keys: await keysFile(keys, { onMade: () => undefined }),
  authServers: [authServer],
  scopes: roomsScopes,
  discovery: createDiscovery({ fetcher: guardedFetcher({ dangerouslyAllowLoopback: true }), development: true }),
  development: true,
  onEvent: decisionLog('rooms'),
})
await serve({
  name: 'rooms',
  id,
  port: Number(port),
  development: true,
  participant: honoParticipant(id, rooms(resource), resource.ready),
  trace: (exchange: TracedExchange) => process.send?.(exchange),
})
// The playground that started this process is gone: nobody would stop it any more.
process.once('disconnect', () => process.exit(0))
