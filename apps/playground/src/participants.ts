import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TracedExchange } from '@countersign/server'

/** Where the participants live: BASE the page, then +10, +20, +30, +40. */
export interface Addresses {
  readonly page: string
  readonly agentServer: string
  readonly authServer: string
  readonly calendar: string
  readonly webApp: string
}

/** The running participants. */
export interface Participants {
  readonly addresses: Addresses
  /** Folder of keys, databases and agent states; removed when everything stops. */
  readonly folder: string
  /** The file of the `countersign` command. */
  readonly countersign: string
  /** Flags of Node that its processes run with. */
  readonly execArgv: readonly string[]
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

/** Seconds an auth token of the playground lives: short, so that a refresh can be watched. */
export const authTokenLifetime = 4

/** Starts agent server, auth server, calendar and web app, each in a process of its own. */
export async function startParticipants(options: ParticipantsOptions): Promise<Participants> {
  const { base, countersign, execArgv = process.execArgv, onReady } = options
  const at = (offset: number): string => `http://localhost:${base + offset}`
  const addresses = { page: at(0), agentServer: at(10), authServer: at(20), calendar: at(30), webApp: at(40) }
  const folder = mkdtempSync(join(tmpdir(), 'countersign-playground-'))
  mkdirSync(join(folder, 'web-app'), { mode: 0o700 })
  const listeners = new Set<(exchange: TracedExchange) => void>()
  const children = new Map<string, ChildProcess>()
  const start = async (name: string, file: string, args: readonly string[]): Promise<void> => {
    const child = fork(file, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [...execArgv],
      env: { ...process.env, COUNTERSIGN_TRACE: 'ipc' },
    })
    children.set(name, child)
    child.on('message', exchange => {
      for (const listener of listeners) listener(exchange as TracedExchange)
    })
    onReady(await readyLine(name, child))
  }
  const agentConfig = join(folder, 'agent-server.json')
  writeFileSync(agentConfig, JSON.stringify({ localhostCallback: true }))
  const authConfig = join(folder, 'auth-server.json')
  writeFileSync(authConfig, JSON.stringify({ ...playgroundPolicy(addresses), demoUsers, authTokenLifetime }))
  const startAuthServer = (): Promise<void> =>
    start('auth-server', countersign, [
      'auth-server',
      ...shared(addresses.authServer, folder, 'auth-server'),
      '--config',
      authConfig,
    ])
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
      start('agent-server', countersign, [
        'agent-server',
        ...shared(addresses.agentServer, folder, 'agent-server'),
        // Named, and so left alone: one story acts as the agent server itself, with this key.
        ...['--keys', join(folder, 'agent-server', 'keys.json')],
        '--name',
        'Playground Agent',
        '--config',
        agentConfig,
      ]),
      startAuthServer(),
      // The built one, also where this file runs from source.
      start('calendar', fileURLToPath(new URL('../dist/calendar-process.js', import.meta.url)), [
        addresses.calendar,
        String(base + 30),
        addresses.authServer,
        join(folder, 'calendar-keys.json'),
      ]),
      start('web-app', fileURLToPath(new URL('../dist/web-app-process.js', import.meta.url)), [
        addresses.webApp,
        String(base + 40),
        addresses.authServer,
        join(folder, 'web-app'),
      ]),
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

/** Whoever signs in at the playground's auth server is one of these. */
const demoUsers = [
  { name: 'Ada Lovelace', email: 'ada@demo.example' },
  { name: 'Grace Hopper', email: 'grace@demo.example' },
  { name: 'Alan Turing' },
]

/**
 * The playground's own agent and its delegates read events without a user. Whatever else the calendar has, for whichever agent,
 * its users decide.
 */
function playgroundPolicy({ agentServer, calendar }: Addresses): Record<string, unknown> {
  return {
    grants: [{ agent: agentServer, delegates: 'any', resource: calendar, scopes: ['events.read'] }],
    ask: [
      { agents: 'any', resources: [calendar] },
      { agents: 'any', resources: ['self'], scopes: ['openid', 'profile', 'email'] },
    ],
    // Whoever may show codes can ask anyone to type them in: named, never any.
    deviceFlow: [agentServer],
  }
}

function shared(id: string, folder: string, name: string): string[] {
  return ['--id', id, '--port', new URL(id).port, '--data', join(folder, name), '--development']
}

/** The first line of standard output, or what the process said before it ended. */
function readyLine(name: string, child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = ''
    let said = ''
    child.stderr?.on('data', chunk => {
      said = (said + String(chunk)).slice(-4096)
    })
    child.stdout?.on('data', chunk => {
      out += String(chunk)
      const end = out.indexOf('\n')
      if (end >= 0) resolve(out.slice(0, end))
    })
    child.once('exit', code =>
      reject(new Error(`the ${name} ended with code ${code} before it was ready:\n${said.trim()}`)),
    )
  })
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}
