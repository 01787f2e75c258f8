import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TracedExchange } from '@countersign/server'
import type { Addresses } from './addresses.js'
import type { CalendarOrder } from './calendar-process.js'
import { ended, startParticipant } from './participant-process.js'
import { authServerConfig, roomsAuthServerConfig } from './playground-policy.js'

/** The running participants. */
export interface Participants {
  readonly addresses: Addresses
  /** Folder of keys, databases and agent states; removed when everything stops. */
  readonly folder: string
  /** The file of the `countersign` command. */
  readonly countersign: string
  /** Flags of Node that its processes run with. */
  readonly execArgv: readonly string[]
  /** The logs of those who decide, JSON a line, for `countersign trace`. */
  readonly logs: readonly string[]
  /** Calls back for every message any participant received, until the returned function is called. */
  listen(listener: (exchange: TracedExchange) => void): () => void
  /** Ends the auth server without warning and starts it again on the same database. */
  killAuthServer(): Promise<void>
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
  const at = (offset: number): string => `http://localhost:${base + offset}`
  const addresses: Addresses = {
    ...{ page: at(0), agentServer: at(10), authServer: at(20), roomsAuthServer: at(21) },
    ...{ calendar: at(30), rooms: at(31), webApp: at(40), addressBook: at(50), tools: at(60) },
  }
  const { agentServer, authServer, roomsAuthServer, calendar, rooms, webApp, addressBook, tools } = addresses
  const folder = mkdtempSync(join(tmpdir(), 'countersign-playground-'))
  mkdirSync(join(folder, 'web-app'), { mode: 0o700 })
  const addressBookSecret = join(folder, 'address-book-secret')
  writeFileSync(addressBookSecret, randomBytes(32).toString('base64url'), { mode: 0o600 })
  const listeners = new Set<(exchange: TracedExchange) => void>()
  const children = new Map<string, ChildProcess>()
  const logOf = (name: string): string => join(folder, `${name}.log`)
  const start = async (name: string, file: string, args: readonly string[]): Promise<void> => {
    const { child, ready } = startParticipant({
      ...{ name, file, args, execArgv, log: logOf(name) },
      onMessage: exchange => {
        for (const listener of listeners) listener(exchange)
      },
    })
    children.set(name, child)
    onReady(await ready)
  }
  /** A server of the command, with a file of its options. */
  const startServer = (name: string, what: string, id: string, config: object, more: readonly string[] = []) => {
    const file = join(folder, `${name}.json`)
    writeFileSync(file, JSON.stringify(config))
    return start(name, countersign, [what, ...shared(id, folder, name), '--config', file, ...more])
  }
  /** One of the playground's own: the built one, also where this file runs from source. */
  const startOwn = (name: string, id: string, more: readonly string[]): Promise<void> =>
    start(name, fileURLToPath(new URL(`../dist/${name}-process.js`, import.meta.url)), [id, new URL(id).port, ...more])
  const startAuthServer = (): Promise<void> =>
    startServer('auth-server', 'auth-server', authServer, authServerConfig(addresses))
  const stop = async (): Promise<void> => {
    process.off('exit', killAll)
    await Promise.all([...children.values()].map(child => ended(child, 'SIGTERM')))
    rmSync(folder, { recursive: true, force: true })
  }
  const killAll = (): void => {
    for (const child of children.values()) child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', killAll)
  try {
    await Promise.all([
      startServer('agent-server', 'agent-server', agentServer, { localhostCallback: true, name: 'Playground Agent' }, [
        // Named, and so left alone: one story acts as the agent server itself, with this key.
        ...['--keys', join(folder, 'agent-server', 'keys.json')],
      ]),
      startAuthServer(),
      startServer('rooms-auth-server', 'auth-server', roomsAuthServer, roomsAuthServerConfig(addresses)),
      startOwn('calendar', calendar, [JSON.stringify(calendarOrder(addresses, { folder, addressBookSecret }))]),
      startOwn('address-book', addressBook, [addressBookSecret, `${calendar}/aauth/callback/address-book`]),
      startOwn('rooms', rooms, [roomsAuthServer, join(folder, 'rooms-keys.json')]),
      startOwn('web-app', webApp, [authServer, join(folder, 'web-app')]),
      startOwn('tools', tools, [authServer, calendar, join(folder, 'tools-keys.json')]),
    ])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    addresses,
    folder,
    countersign,
    execArgv,
    logs: ['calendar', 'auth-server', 'rooms', 'rooms-auth-server', 'tools'].map(logOf),
    listen: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    killAuthServer: async () => {
      const child = children.get('auth-server')
      if (child !== undefined) await ended(child, 'SIGKILL')
      await startAuthServer()
    },
    stop,
  }
}

function calendarOrder(
  { authServer, rooms, roomsAuthServer, addressBook }: Addresses,
  { folder, addressBookSecret }: { readonly folder: string; readonly addressBookSecret: string },
): CalendarOrder {
  const keys = join(folder, 'calendar-keys.json')
  return { authServer, keys, rooms, roomsAuthServer, addressBook, addressBookSecret }
}

function shared(id: string, folder: string, name: string): string[] {
  return ['--id', id, '--port', new URL(id).port, '--data', join(folder, name), '--development']
}
