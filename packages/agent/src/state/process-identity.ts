import { createHash } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/** Which process this is, told apart from all that ever had its id, as far as the system says. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it began, in ticks since the machine did. Empty where there is no `/proc`. */
  readonly start: string
  /** Where process ids mean the same: two containers may share a folder and a host name, and know nothing of each other's. */
  readonly machine: string
}

/** `alive` and `dead` are certain. `unsure`: it runs elsewhere, or its id may be another's by now. */
export type ProcessLife = 'alive' | 'dead' | 'unsure'

export async function readOwnIdentity(): Promise<ProcessIdentity> {
  const [start, machine] = await Promise.all([readStat('self').then(stat => stat?.start ?? ''), readMachine()])
  return { pid: process.pid, start, machine }
}

/** Whether a process that gave its identity still runs, seen from the machine of another. */
export async function checkLife(seen: ProcessIdentity, machine: string): Promise<ProcessLife> {
  if (seen.machine !== machine) return 'unsure'
  if (!isRunning(seen.pid)) return 'dead'
  const stat = seen.start === '' ? undefined : await readStat(String(seen.pid))
  // Another start can also be another way to count: containers may have time of their own.
  if (stat?.start !== seen.start) return 'unsure'
  // Killed, and its parent did not ask for it yet: its id still answers.
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
  // The name before it may hold spaces and brackets.
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
