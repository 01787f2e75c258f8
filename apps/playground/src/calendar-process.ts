import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createDiscovery } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'
import { memoryReplaySet } from '@countersign/httpsig'
import { createResource } from '@countersign/resource'
import { oauthApi, oauthTokens } from '@countersign/resource/oauth'
import { keysFile, serve, type TracedExchange } from '@countersign/server'
import { calendar, calendarScopes, calendarWords } from './calendar.js'
import { decisionLog } from './decision-log.js'
import { publicHolidays } from './holidays.js'
import { honoParticipant } from './hono-participant.js'

/** The arguments of the calendar: identifiers of other participants, and files. */
export interface CalendarOrder {
  readonly authServer: string
  readonly keys: string
  readonly rooms: string
  readonly roomsAuthServer: string
  readonly addressBook: string
  readonly addressBookSecret: string
}

// The calendar as a process of its own: `node calendar-process.js ID PORT ORDER`, the last in JSON.
const [id = '', port = '', order = '{}'] = process.argv.slice(2)
const { authServer, keys, rooms, roomsAuthServer, ...book } = JSON.parse(order) as CalendarOrder
const addressBook = oauthApi({
  id: 'address-book',
  issuer: book.addressBook,
  clientId: 'calendar',
  clientSecret: readFileSync(book.addressBookSecret, 'utf8').trim(),
  scope: 'openid birthdays',
  origins: [book.addressBook],
  dangerouslyAllowLoopbackHttp: true,
})
// The tokens live as long as the playground: in memory, under a random key.
const tokens = await oauthTokens({ database: 'sqlite::memory:', encryptionKeys: [randomBytes(32)] })
const resource = createResource({
  id,
  keys: await keysFile(keys, { onMade: () => undefined }),
  authServers: [authServer],
  scopes: calendarScopes,
  ...calendarWords,
  discovery: createDiscovery({ fetcher: guardedFetcher({ dangerouslyAllowLoopback: true }), development: true }),
  replay: memoryReplaySet(),
  // It exchanges tokens at the auth server of rooms, and identifies itself to rooms only.
  downstream: {
    acceptAuthServer: [roomsAuthServer],
    identifyTo: [rooms],
    name: 'Playground Calendar',
    oauth: { apis: [addressBook], tokens },
  },
  development: true,
  onEvent: decisionLog('calendar'),
})
await serve({
  name: 'calendar',
  id,
  port: Number(port),
  development: true,
  participant: honoParticipant(id, calendar(resource, publicHolidays(), { rooms, addressBook }), resource.ready),
  trace: (exchange: TracedExchange) => process.send?.(exchange),
})
// The playground has ended: this process must not outlive it.
process.once('disconnect', () => process.exit(0))
