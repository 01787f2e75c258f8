import { createDiscovery } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'
import { createResource } from '@countersign/resource'
import { keysFile, serve, type TracedExchange } from '@countersign/server'
import { decisionLog } from './decision-log.js'
import { honoParticipant } from './hono-participant.js'
import { rooms, roomsScopes, roomsWords } from './rooms.js'

// Rooms as a process of their own: `node rooms-process.js ID PORT AUTH_SERVER KEYS_FILE NAME`. So are the desks, by another name.
const [id = '', port = '', authServer = '', keys = '', name = ''] = process.argv.slice(2)
const resource = createResource({
  id,
  keys: await keysFile(keys, { onMade: () => undefined }),
  authServers: [authServer],
  scopes: roomsScopes,
  ...roomsWords,
  discovery: createDiscovery({ fetcher: guardedFetcher({ dangerouslyAllowLoopback: true }), development: true }),
  development: true,
  onEvent: decisionLog(name),
})
await serve({
  name,
  id,
  port: Number(port),
  development: true,
  participant: honoParticipant(id, rooms(resource), resource.ready),
  trace: (exchange: TracedExchange) => process.send?.(exchange),
})
// The playground has ended: this process must not outlive it.
process.once('disconnect', () => process.exit(0))
