import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ProcessFaults } from './process-faults.js'

/** The root of the checkout. */
export const root: string = fileURLToPath(new URL('../../..', import.meta.url))
/** The file of the command whose servers are broken: that of this checkout, or the one that `COUNTERSIGN_COMMAND` names. */
export const command: string = process.env['COUNTERSIGN_COMMAND'] ?? join(root, 'packages/cli/bin/countersign.js')
const preload = new URL('process-faults.js', import.meta.url).href

/** So that a process whose memory is filled does not take the machine's. */
const heap = '--max-old-space-size=400'

/** One instance of a server: the real command, which the rig kills, stops and lies to. */
export interface ServerProcess {
  readonly name: string
  readonly port: number
  /** File of all that it has printed. */
  readonly log: string
  isRunning(): boolean
  /** Starts it, with more options of the command, and waits until it says that it is ready. */
  start(options?: readonly string[]): Promise<void>
  kill(): Promise<void>
  /** Ends it in order. */
  stop(): Promise<void>
  pause(): void
  resume(): void
  /** Moves its clock, has its resolver lie, or fills its memory. What is not named stays as it is: two faults may stand at once. */
  fault(faults: ProcessFaults): void
  /** Milliseconds by which its clock is off, as it sees that itself. */
  clockOff(): number
  /** Resolves when it has ended by itself, at most within some milliseconds. */
  ended(within: number): Promise<void>
  /** Lets it open no file and no connection any more, or as many as before. Throws without `prlimit`. */
  descriptors(state: 'none' | 'as before'): void
  /** Lets it write no byte to any file, as on a full disk, or as many as it likes. Throws without `prlimit`. */
  disk(state: 'full' | 'free'): void
}

/** What is started. */
export interface ServerStart {
  readonly name: string
  readonly kind: 'auth-server' | 'agent-server' | 'gateway'
  readonly port: number
  readonly folder: string
  readonly settings: object
}

/** An instance that is not started yet. */
export function serverProcess(o: ServerStart): ServerProcess {
  const { name, kind, port, folder } = o
  const [config, faultFile, log] = ['json', 'faults', 'log'].map(end => join(folder, `${name}.${end}`)) as [
    string,
    string,
    string,
  ]
  writeFileSync(config, JSON.stringify({ ...o.settings, port, development: true, data: join(folder, name) }))
  writeFileSync(faultFile, '{}')
  let child: ChildProcess | undefined
  let told: ProcessFaults = {}
  const isRunning = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null
  const end = (signal: NodeJS.Signals): Promise<void> => {
    const running = child
    if (running === undefined || !isRunning()) return Promise.resolve()
    return new Promise(resolve => {
      running.once('exit', () => resolve())
      running.kill('SIGCONT')
      running.kill(signal)
    })
  }
  return {
    name,
    port,
    log,
    isRunning,
    // As a supervisor does: what the server needs may come back a moment later.
    async start(options = []) {
      for (const until = Date.now() + patience; !isRunning(); await new Promise(resolve => setTimeout(resolve, 500))) {
        const output = openSync(log, 'a')
        child = spawn(process.execPath, [heap, '--import', preload, command, kind, '--config', config, ...options], {
          env: { ...process.env, CHAOS_FAULTS: faultFile },
          stdio: ['ignore', 'pipe', output],
        })
        closeSync(output)
        const running = child
        const take = (): void => void running.kill('SIGKILL')
        process.once('exit', take)
        running.once('exit', () => process.off('exit', take))
        try {
          return await ready(running, () => readFileSync(log, 'utf8').slice(-2000))
        } catch (error) {
          if (Date.now() > until) throw error
        }
      }
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    fault(faults) {
      told = { ...told, ...faults }
      writeFileSync(`${faultFile}.new`, JSON.stringify(told))
      renameSync(`${faultFile}.new`, faultFile)
    },
    async ended(within) {
      const until = Date.now() + within
      while (isRunning() && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 50))
    },
    descriptors(state) {
      if (child?.pid === undefined || !isRunning()) return
      const pid = String(child.pid)
      const read = ['--pid', pid, '--nofile', '--output', 'HARD', '--noheadings', '--raw']
      const all = execFileSync('prlimit', read, { encoding: 'utf8' }).trim()
      execFileSync('prlimit', ['--pid', pid, `--nofile=${state === 'none' ? '3' : all}:`])
    },
    clockOff() {
      const seen: unknown = JSON.parse(readFileSync(`${faultFile}.seen`, 'utf8'))
      return Number(Object(seen).off)
    },
    disk(state) {
      if (child?.pid === undefined || !isRunning()) return
      execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${state === 'full' ? '0:' : 'unlimited:'}`])
    },
  }
}

const patience = 60_000

function ready(child: ChildProcess, tail: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`a server did not start:\n${tail()}`)), patience)
    child.stdout?.on('data', (chunk: unknown) => {
      if (!String(chunk).includes(' ready at ')) return
      clearTimeout(late)
      resolve()
    })
    child.once('exit', code => {
      clearTimeout(late)
      reject(new Error(`a server ended with ${code}:\n${tail()}`))
    })
  })
}
