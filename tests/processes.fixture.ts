import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout's root. */
export const root: string = fileURLToPath(new URL('..', import.meta.url))

/** The `countersign` command of this checkout, module by module. */
export const commandOfModules: string = join(root, 'packages/cli/bin/countersign.js')

/** The `countersign` command as it is published, in one bundle: see `published-command.setup.ts`. */
export const countersign: string = process.env['COUNTERSIGN_COMMAND'] ?? commandOfModules

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
  /** Arguments of a server in development, whose settings are in a file and whose data are in a folder of its own. */
  config(command: string, settings: object): string[]
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
  /** Gets all that it prints to standard output. */
  readonly hear?: (text: string) => unknown
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
      const { hear } = options
      if (hear !== undefined) child.stdout.on('data', chunk => hear(String(chunk)))
      return readyChild(name, child, options.ready ?? ' ready at ')
    },
    config(command, settings) {
      const file = join(folder, `${command}.json`)
      writeFileSync(file, JSON.stringify({ data: join(folder, command), development: true, ...settings }))
      return [command, '--config', file]
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

/** One record of a server's log. */
export type LogRecord = Readonly<Record<string, unknown>>

/** The log of a server from now on, one record a line. */
export function logOf(child: ChildProcess): readonly LogRecord[] {
  const log: LogRecord[] = []
  let rest = ''
  child.stderr?.on('data', chunk => {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    log.push(...lines.map(line => JSON.parse(line)))
  })
  return log
}

/** Ends a process and waits until it has gone. */
export function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}

/**
 * Runs the `countersign` command to its end.
 * @param command the file of the command; default that of this checkout
 */
export function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  command: string = countersign,
): Promise<Finished> {
  return runNode([command, ...args], env)
}

/** Runs a program of Node to its end. */
export function runNode(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [...args],
      { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        resolve({ code, stdout, stderr })
      },
    )
  })
}

/** Starts a command and waits until its standard error has what `pattern` matches, such as a link for a user. */
export async function asks(
  args: readonly string[],
  pattern: RegExp,
  program: readonly [string, ...string[]] = [process.execPath, countersign],
): Promise<{ found: RegExpExecArray; ended: Promise<{ code: number | null; out: string; said: string }> }> {
  const [file, ...first] = program
  const child: ChildProcess = spawn(file, [...first, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, said] = ['', '']
  child.stdout?.on('data', chunk => (out += String(chunk)))
  const ended = new Promise<{ code: number | null; out: string; said: string }>(resolve =>
    child.once('close', code => resolve({ code, out, said })),
  )
  const found = await new Promise<RegExpExecArray>((resolve, reject) => {
    child.stderr?.on('data', chunk => {
      said += String(chunk)
      const match = pattern.exec(said)
      if (match !== null) resolve(match)
    })
    void ended.then(() => reject(new Error(`it ended: ${said}`)))
  })
  return { found, ended }
}
