import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout's root. */
export const root: string = fileURLToPath(new URL('..', import.meta.url))

/** The built `countersign` command, run as a user runs it. */
export const countersign: string = join(root, 'packages/cli/bin/countersign.js')

/** What a finished command left behind. */
export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Processes and folders of one test file, all ended by `stop`. */
export interface Stand {
  readonly folder: string
  /** Starts a server and waits for the line that says it is ready. */
  start(name: string, args: readonly string[], options?: StartOptions): Promise<ChildProcess>
  stop(): Promise<void>
}

/** How a server is started. */
export interface StartOptions {
  /** Program; default this Node with the `countersign` command. */
  readonly program?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Working directory; default this process's. */
  readonly cwd?: string
  /** What its output contains once it is ready; default ` ready at `. */
  readonly ready?: string
}

/** A folder and a place for processes. */
export function stand(): Stand {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-test-'))
  const children: ChildProcess[] = []
  return {
    folder,
    start(name, args, options = {}) {
      const [program = process.execPath, ...first] = options.program ?? [process.execPath, countersign]
      const child = spawn(program, [...first, ...args], {
        env: { ...process.env, ...options.env },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      children.push(child)
      return readyChild(name, child, options.ready ?? ' ready at ')
    },
    async stop() {
      await Promise.all(children.map(child => end(child, 'SIGTERM')))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function readyChild(name: string, child: ChildProcess, ready: string): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    let said = ''
    const listen = (chunk: unknown): void => {
      said = (said + String(chunk)).slice(-8192)
      if (said.includes(ready)) resolve(child)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('exit', code => reject(new Error(`${name} ended with code ${code}:\n${said}`)))
  })
}

/** Ends a process and waits until it has gone. */
export function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}

/** Runs the `countersign` command to its end. */
export function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [countersign, ...args],
      { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        resolve({ code, stdout, stderr })
      },
    )
  })
}

/** Which of the processes that run tests at once this one is: each draws from ports of its own. */
const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % 8

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return freeAt(() => 30_000 + worker * 330 + Math.floor(Math.random() * 330), [0])
}

/** A first port for a playground, all of whose ports are free. */
export function freeBase(): Promise<number> {
  return freeAt(
    () => 10_000 + 100 * (worker * 20 + Math.floor(Math.random() * 20)),
    [0, 10, 20, 21, 30, 31, 40, 50, 60],
  )
}

/** Handed out by this process. */
const taken = new Set<number>()

/** A first port with others at offsets. Callers draw them below those that systems hand out: others may get one of these meanwhile. */
async function freeAt(draw: () => number, offsets: readonly number[]): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const first = draw()
    const ports = offsets.map(offset => first + offset)
    if (ports.some(port => taken.has(port))) continue
    for (const port of ports) taken.add(port)
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first
  }
  throw new Error('there are no free ports')
}

/** Whether nobody listens there, at either of a machine's own addresses: a browser may ask `localhost` at both. */
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '::1'))
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRNOTAVAIL'))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

/** What `.ci/run` says must not be skipped, e.g. `chromium`. */
export function required(what: string): boolean {
  return (process.env['COUNTERSIGN_REQUIRE'] ?? '').split(',').includes(what)
}
