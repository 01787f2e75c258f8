import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, readdirSync, readFileSync } from 'node:fs'

/** A server that the rig started, for tests that take it away. */
export interface RigProcess {
  readonly pid: number
  isRunning(): boolean
  /** Ends it as a machine that loses power: nothing more is written, and its connections break. */
  kill(): Promise<void>
  /** Stops it without an end: connections stay, and nothing answers. */
  pause(): void
  resume(): void
  /** Ends it in order. */
  stop(): Promise<void>
}

/** How a program is started. */
export interface RigProgramStart {
  readonly program: string
  readonly args: readonly string[]
  /** File of what it prints. */
  readonly log: string
  /** Ids of the user it runs as; default this one's. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  readonly env?: Readonly<Record<string, string>>
  /** The signal that ends it in order; default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
  /** Resolves false while the server does not answer yet. */
  readonly isReady: () => Promise<boolean>
}

/** Milliseconds that a server may take to its first answer, and to its end. */
const patience = 30_000

/** Starts a program and waits until it answers. A run of the tests that ends early takes it along. */
export async function startRigProcess(start: RigProgramStart): Promise<RigProcess> {
  const output = openSync(start.log, 'a')
  const child = spawn(start.program, start.args, {
    stdio: ['ignore', output, output],
    env: { ...process.env, ...start.env },
    ...start.user,
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`${start.program} ended with ${code}:\n${tail(start.log)}`)))
  })
  failed.catch(() => undefined)
  const { pid } = child
  if (pid === undefined) return await failed
  const killTree = (): void => signalTree(pid, 'SIGKILL')
  process.once('exit', killTree)
  child.once('exit', () => process.off('exit', killTree))
  await Promise.race([failed, answering(start)])
  return handleOf(child, pid, start.stopSignal ?? 'SIGTERM')
}

async function answering({ isReady, program, log }: RigProgramStart): Promise<void> {
  const end = performance.now() + patience
  while (!(await isReady())) {
    if (performance.now() > end) throw new Error(`${program} does not answer:\n${tail(log)}`)
    await pause(50)
  }
}

function handleOf(child: ChildProcess, pid: number, stopSignal: NodeJS.Signals): RigProcess {
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  const ended = new Promise<void>(resolve => void child.once('exit', () => resolve()))
  const kill = async (): Promise<void> => {
    if (!isRunning()) return
    signalTree(pid, 'SIGKILL')
    await ended
  }
  return {
    pid,
    isRunning,
    kill,
    pause: () => signalTree(pid, 'SIGSTOP'),
    resume: () => signalTree(pid, 'SIGCONT'),
    async stop() {
      if (!isRunning()) return
      signalTree(pid, 'SIGCONT')
      child.kill(stopSignal)
      const late = setTimeout(() => void kill(), patience)
      await ended
      clearTimeout(late)
    },
  }
}

/** Signals a process and its children: those of PostgreSQL are in process groups of their own, and would go on for a while. */
function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const each of [pid, ...childrenOf(pid)]) {
    try {
      process.kill(each, signal)
    } catch {
      // It has ended already.
    }
  }
}

/** On systems without /proc there are none to see, and they end by themselves with their parent. */
function childrenOf(pid: number): number[] {
  try {
    const all = readdirSync('/proc').filter(name => /^\d+$/.test(name))
    const found = all.map(Number).filter(each => parentOf(each) === pid)
    return found.flatMap(each => [each, ...childrenOf(each)])
  } catch {
    return []
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in brackets, may hold spaces.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').slice(-4096)
}

/** @param milliseconds how long */
export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
