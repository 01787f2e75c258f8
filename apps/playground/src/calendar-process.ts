import { createDiscovery } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'
import { memoryReplaySet } from '@countersign/httpsig'
import { createResource } from '@countersign/resource'
import { keysFile, serve, type TracedExchange } from '@countersign/server'
import { calendar, calendarScopes } from './calendar.js'
import { decisionLog } from './decision-log.js'
import { publicHolidays } from './holidays.js'
import { honoParticipant } from './hono-participant.js'

// The calendar as a process of its own: `node calendar-process.js ID PORT AUTH_SERVER KEYS_FILE ROOMS ROOMS_AUTH_SERVER`.
const [id = '', port = '', authServer = '', keys = '', rooms = '', roomsAuthServer = ''] = process.argv.slice(2)
const resource = createResource({
  id,
  keys: await keysFile(keys),
  authServers: [authServer],
  scopes: calendarScopes,
  discovery: createDiscovery({ fetcher: guardedFetcher({ dangerouslyAllowLoopback: true }), development: true }),
  replay: memoryReplaySet(),
  // What it needs of rooms it asks of their auth server, and it says who it is to them alone.
  downstream: { acceptAuthServer: [roomsAuthServer], identifyTo: [rooms] },
  development: true,
  onEvent: decisionLog('calendar'),
})
await serve({
  name: 'calendar',
  id,
  port: Number(port),
  development: true,
  participant: honoParticipant(id, calendar(resource, publicHolidays(), { rooms })),
  trace: (exchange: TracedExchange) => process.send?.(exchange),
})
// The playground that started this process is gone: nobody would stop it any more.
process.once('disconnect', () => process.exit(0))
