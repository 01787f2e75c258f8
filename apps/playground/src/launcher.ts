import type { ChildProcess } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TracedExchange } from '@countersign/server'
import { isBehindTheScenes } from './behind-the-scenes.js'
import { onClientPort } from './client-ports.js'
import { endProcess, startParticipant } from './participant-process.js'
import { createSenders, type Senders, type SentExchange } from './senders.js'

/** A server of the `countersign` command. */
export interface CommandServer {
  readonly name: string
  readonly command: 'agent-server' | 'auth-server'
  readonly id: string
  /** The content of its configuration file. */
  readonly config: object
  readonly flags?: readonly string[]
}

/** A participant of the playground. */
export interface OwnParticipant {
  readonly name: string
  readonly id: string
  /** What follows identifier and port. */
  readonly args: readonly string[]
  /** The program, by the begin of its file's name. Default: `name`. */
  readonly program?: string
}

/** Starts the processes of the participants, and ends them together. */
export interface Launcher {
  startServer(server: CommandServer): Promise<void>
  /** Starts a participant of the playground, always the built file, also when this file runs from source. */
  startOwn(own: OwnParticipant): Promise<void>
  /** Ends one process without warning. */
  kill(name: string): Promise<void>
  /**
   * Calls `listener` for every message that a participant receives, until the returned function is called. What is sent behind the
   * scenes is left out.
   */
  listen(listener: (exchange: SentExchange) => void): () => void
  /** The log file of a participant. */
  logOf(name: string): string
  /** Ends all processes, empties the folder, and forgets the listeners: all participants can be started anew. */
  clear(): Promise<void>
  /** Ends all processes and removes the folder. */
  stop(): Promise<void>
}

/** Creates a launcher. Its processes end with this one. */
export function createLauncher(options: {
  readonly folder: string
  readonly countersign: string
  readonly execArgv: readonly string[]
  readonly onReady: (line: string) => void
}): Launcher {
  const { folder, countersign, execArgv, onReady } = options
  const { listeners, senders, onMessage } = createHearing()
  // bound: processes of the playground; grown by the program
  const children = new Map<string, ChildProcess>()
  const logOf = (name: string): string => join(folder, `${name}.log`)
  const start = async (name: string, file: string, args: readonly string[]): Promise<void> => {
    const onConnect = (port: number): void => senders.connected(name, port)
    const { child, ready } = startParticipant({ name, file, args, execArgv, log: logOf(name), onMessage, onConnect })
    children.set(name, child)
    onReady(await ready)
  }
  const killAll = (): void => {
    for (const child of children.values()) child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', killAll)
  const endAll = async (): Promise<void> => {
    await Promise.all([...children.values()].map(child => endProcess(child, 'SIGTERM')))
    children.clear()
    rmSync(folder, { recursive: true, force: true })
  }
  return {
    startServer({ name, command, id, config, flags = [] }) {
      const file = join(folder, `${name}.json`)
      writeFileSync(file, JSON.stringify(config))
      const place = ['--id', id, '--port', new URL(id).port, '--data', join(folder, name), '--development']
      return start(name, countersign, [command, ...place, '--config', file, ...flags])
    },
    startOwn({ name, id, args, program = name }) {
      const file = fileURLToPath(new URL(`../dist/${program}-process.js`, import.meta.url))
      return start(name, file, [id, new URL(id).port, ...args])
    },
    async kill(name) {
      const child = children.get(name)
      if (child !== undefined) await endProcess(child, 'SIGKILL')
    },
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    logOf,
    async clear() {
      listeners.clear()
      await endAll()
      mkdirSync(folder, { mode: 0o700 })
    },
    async stop() {
      process.off('exit', killAll)
      await endAll()
    },
  }
}

interface Hearing {
  readonly listeners: Set<(exchange: SentExchange) => void>
  readonly senders: Senders
  /** Tells the listeners of a message that a participant has received. */
  onMessage(exchange: TracedExchange): void
}

function createHearing(): Hearing {
  // bound: stories that are played; grown by the program
  const listeners: Hearing['listeners'] = new Set()
  const senders = createSenders()
  onClientPort(port => senders.connected('page', port))
  return {
    listeners,
    senders,
    onMessage(exchange) {
      if (isBehindTheScenes(exchange)) return
      // What its sender tells of the connection comes by another pipe, and may come a moment later.
      setTimeout(() => {
        const sent = { ...exchange, from: senders.of(exchange) }
        for (const listener of listeners) listener(sent)
      }, 20)
    },
  }
}
