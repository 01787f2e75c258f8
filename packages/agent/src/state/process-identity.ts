import { createHash } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/** Identifies a process, also among those that had the same process id before, as far as the system can tell. */
export interface ProcessIdentity {
  readonly pid: number
  /** When the process started, in ticks since boot. Empty where there is no `/proc`. */
  readonly start: string
  /** The namespace of the process id: two containers may share a folder and a host name, but not their process ids. */
  readonly machine: string
}

/** `alive` and `dead` are certain. `unsure`: the process runs elsewhere, or another process may have its id by now. */
export type ProcessLife = 'alive' | 'dead' | 'unsure'

export async function readOwnIdentity(): Promise<ProcessIdentity> {
  const [start, machine] = await Promise.all([readStat('self').then(stat => stat?.start ?? ''), readMachine()])
  return { pid: process.pid, start, machine }
}

/** Checks whether a process still runs, as seen from a machine. */
export async function checkLife(seen: ProcessIdentity, machine: string): Promise<ProcessLife> {
  if (seen.machine !== machine) return 'unsure'
  if (!isRunning(seen.pid)) return 'dead'
  const stat = seen.start === '' ? undefined : await readStat(String(seen.pid))
  // A different start does not prove another process: containers may count time differently.
  if (stat?.start !== seen.start) return 'unsure'
  // A zombie: killed, but its id stays in use until the parent collects it.
  return stat.state === 'Z' || stat.state === 'X' ? 'dead' : 'alive'
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

async function readStat(process: string): Promise<{ readonly state: string; readonly start: string } | undefined> {
  const text = await readFile(`/proc/${process}/stat`, 'utf8').catch(() => '')
  // After the last bracket: the process name before it may hold spaces and brackets.
  const [state, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const start = rest[18]
  return state === undefined || start === undefined || !/^\d+$/.test(start) ? undefined : { state, start }
}

async function readMachine(): Promise<string> {
  const parts = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ])
  return createHash('sha256')
    .update([hostname(), ...parts].join('\n'))
    .digest('hex')
    .slice(0, 16)
}
