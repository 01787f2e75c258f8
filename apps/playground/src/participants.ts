import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Addresses } from './addresses.js'
import { type AgentRing, createAgentRing } from './attacks/agent-ring.js'
import { prepareOAuthWorld } from './beside/oauth-world.js'
import type { CalendarOrder } from './calendar-process.js'
import { type CommandServer, createLauncher, type Launcher } from './launcher.js'
import { agentTokenLifetime, authServerConfig, roomsAuthServerConfig } from './playground-policy.js'
import type { SentExchange } from './senders.js'
import type { ToolsOrder } from './tools-process.js'

/** The running participants. */
export interface Participants {
  readonly addresses: Addresses
  /** Folder of keys, databases and agent states; removed when everything stops. */
  readonly folder: string
  /** The file of the `countersign` command. */
  readonly countersign: string
  /** Flags of Node that its processes run with. */
  readonly execArgv: readonly string[]
  /** Log files of the auth servers and resources, one JSON record a line, for `countersign trace`. */
  readonly logs: readonly string[]
  /** The keys and tokens of the agents of stories, for attacks on their messages. */
  readonly agents: AgentRing
  /** Calls `listener` for every message that a participant receives, until the returned function is called or all start afresh. */
  listen(listener: (exchange: SentExchange) => void): () => void
  /** Ends the auth server without warning and starts it again on the same database. */
  killAuthServer(): Promise<void>
  startDesks(): Promise<void>
  /** Ends the desks without warning. */
  killDesks(): Promise<void>
  /** Starts the OAuth world of the comparison, once: later calls wait for the first. */
  startOAuthWorld(): Promise<void>
  /** Ends all of them and starts them anew, with new keys and empty databases. */
  startAfresh(): Promise<void>
  stop(): Promise<void>
}

/** Options of {@link startParticipants}. */
export interface ParticipantsOptions {
  readonly base: number
  /** The file of the `countersign` command, run by this Node. */
  readonly countersign: string
  /** Flags of Node for its processes. Default: those of this one. */
  readonly execArgv?: readonly string[]
  /** Called with each ready line. */
  readonly onReady: (line: string) => void
}

/** Starts agent server, auth servers, calendar, rooms, web app, address book and tools, each in a process of its own. */
export async function startParticipants(options: ParticipantsOptions): Promise<Participants> {
  const { base, countersign, execArgv = process.execArgv, onReady } = options
  const addresses = addressesFrom(base)
  const folder = mkdtempSync(join(tmpdir(), 'countersign-playground-'))
  const launcher = createLauncher({ folder, countersign, execArgv, onReady })
  try {
    await startAll(launcher, addresses, folder)
  } catch (error) {
    await launcher.stop()
    throw error
  }
  let oauthWorld: Promise<unknown> | undefined
  let agents = createAgentRing()
  return {
    addresses,
    folder,
    countersign,
    execArgv,
    logs: ['calendar', 'auth-server', 'rooms', 'rooms-auth-server', 'tools'].map(launcher.logOf),
    get agents() {
      return agents
    },
    listen: launcher.listen,
    killAuthServer: async () => {
      await launcher.kill('auth-server')
      await launcher.startServer(authServerOf(addresses))
    },
    startDesks: () => startDesks(launcher, addresses, folder),
    killDesks: () => launcher.kill('desks'),
    startOAuthWorld: async () => {
      oauthWorld ??= startOAuthWorld(launcher, addresses, folder)
      await oauthWorld
    },
    startAfresh: async () => {
      oauthWorld = undefined
      agents = createAgentRing()
      await launcher.clear()
      await startAll(launcher, addresses, folder)
    },
    stop: launcher.stop,
  }
}

async function startOAuthWorld(launcher: Launcher, addresses: Addresses, folder: string): Promise<void> {
  const processes = await prepareOAuthWorld(addresses, folder)
  await Promise.all(processes.map(own => launcher.startOwn(own)))
}

/** The program of rooms, at another address. */
function startDesks(launcher: Launcher, { desks, roomsAuthServer }: Addresses, folder: string): Promise<void> {
  return launcher.startOwn({
    name: 'desks',
    id: desks,
    program: 'rooms',
    args: [roomsAuthServer, join(folder, 'desks-keys.json'), 'desks'],
  })
}

function addressesFrom(base: number): Addresses {
  const at = (offset: number): string => `http://localhost:${base + offset}`
  return {
    page: at(0),
    agentServer: at(10),
    authServer: at(20),
    roomsAuthServer: at(21),
    calendar: at(30),
    rooms: at(31),
    desks: at(32),
    webApp: at(40),
    addressBook: at(50),
    tools: at(60),
    oauthServer: at(70),
    oauthCalendar: at(71),
    oauthRooms: at(72),
    impostor: at(73),
    oauthClient: at(74),
  }
}

async function startAll(launcher: Launcher, addresses: Addresses, folder: string): Promise<void> {
  const { agentServer, authServer, roomsAuthServer, calendar, rooms, webApp, addressBook, tools } = addresses
  mkdirSync(join(folder, 'web-app'), { mode: 0o700 })
  const addressBookSecret = join(folder, 'address-book-secret')
  writeFileSync(addressBookSecret, randomBytes(32).toString('base64url'), { mode: 0o600 })
  await Promise.all([
    launcher.startServer({
      name: 'agent-server',
      command: 'agent-server',
      id: agentServer,
      // Agent tokens are short-lived, so that a revoked delegate can be seen to stop.
      config: { localhostCallback: true, name: 'Playground Agent', tokenLifetime: agentTokenLifetime },
      // With a key file there is no rotation: one story acts as the agent server itself, with this key.
      flags: ['--keys', join(folder, 'agent-server', 'keys.json')],
    }),
    launcher.startServer(authServerOf(addresses)),
    launcher.startServer({
      name: 'rooms-auth-server',
      command: 'auth-server',
      id: roomsAuthServer,
      config: roomsAuthServerConfig(addresses),
    }),
    launcher.startOwn({
      name: 'calendar',
      id: calendar,
      args: [JSON.stringify(calendarOrder(addresses, { folder, addressBookSecret }))],
    }),
    launcher.startOwn({
      name: 'address-book',
      id: addressBook,
      args: [addressBookSecret, `${calendar}/aauth/callback/address-book`],
    }),
    launcher.startOwn({ name: 'rooms', id: rooms, args: [roomsAuthServer, join(folder, 'rooms-keys.json'), 'rooms'] }),
    launcher.startOwn({ name: 'web-app', id: webApp, args: [authServer, join(folder, 'web-app')] }),
    launcher.startOwn({ name: 'tools', id: tools, args: [JSON.stringify(toolsOrder(addresses, folder))] }),
  ])
}

function authServerOf(addresses: Addresses): CommandServer {
  const config = authServerConfig(addresses)
  return { name: 'auth-server', command: 'auth-server', id: addresses.authServer, config }
}

function calendarOrder(
  { authServer, rooms, roomsAuthServer, addressBook }: Addresses,
  { folder, addressBookSecret }: { readonly folder: string; readonly addressBookSecret: string },
): CalendarOrder {
  const keys = join(folder, 'calendar-keys.json')
  return { authServer, keys, rooms, roomsAuthServer, addressBook, addressBookSecret }
}

function toolsOrder({ authServer, calendar, rooms, roomsAuthServer }: Addresses, folder: string): ToolsOrder {
  return { authServer, calendar, rooms, roomsAuthServer, keys: join(folder, 'tools-keys.json') }
}
