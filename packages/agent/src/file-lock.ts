import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, readlink, rm, rmdir, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from './error.js'

/** How patient a lock is, in milliseconds. */
export interface FileLockTiming {
  /** Between signs of life of who is in line. */
  readonly beat: number
  /** Without one for so long, somebody on another machine, or in another container, counts as dead. */
  readonly silence: number
  /** Longest wait for those before. */
  readonly limit: number
}

const usual: FileLockTiming = { beat: 2000, silence: 15_000, limit: 120_000 }

/** Tells whether the lock is still this task's: a process that was stopped for long may have been taken for dead. */
export type StillHeld = () => Promise<boolean>

/** Runs a task while no other process runs one that takes the same folder. */
export type FileLock = <T>(folder: string, task: (stillHeld: StillHeld) => Promise<T>) => Promise<T>

/**
 * A lock between processes: a folder in which everybody waits in line (Lamport's bakery). Each has one file there, of
 * a name that never comes again: it is empty while its owner looks for the highest number, then holds the next one.
 * The lowest number runs. The file of a dead owner may be deleted by anybody at any time, since nobody else will ever
 * own it: of one lock file for all, two processes that find it stale at once could each take it from the other.
 * For local file systems, where what one process wrote another reads.
 */
export function fileLock(timing: FileLockTiming = usual): FileLock {
  const machine = machineName()
  return async (folder, task) => {
    const place: Place = { folder, machine: await machine, timing }
    const own = await joinLine(place)
    const beat = setInterval(() => {
      const now = new Date()
      utimes(own, now, now).catch(() => undefined)
    }, timing.beat)
    try {
      await turn(own, place)
      return await task(async () => (await lastSign(own)) !== undefined)
    } finally {
      clearInterval(beat)
      await rm(own, { force: true })
      // Fails while others stand in line.
      await rmdir(folder).catch(() => undefined)
    }
  }
}

interface Place {
  readonly folder: string
  readonly machine: string
  readonly timing: FileLockTiming
}

/** Somebody in line. Without a number: still looking for one. */
interface Waiting {
  readonly name: string
  readonly number: number | undefined
}

async function joinLine({ folder, machine }: Place): Promise<string> {
  const own = join(folder, `${process.pid}-${machine}-${randomBytes(8).toString('hex')}`)
  for (;;) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    try {
      await (await open(own, 'wx', 0o600)).close()
      return own
    } catch (error) {
      // Who left last took the folder with them, between the two calls.
      if (!isMissing(error)) throw error
    }
  }
}

/** Takes the next number, and resolves when nobody before is left. */
async function turn(own: string, place: Place): Promise<void> {
  const others = async (): Promise<Waiting[]> => (await line(place.folder)).filter(({ name }) => name !== basename(own))
  const number = Math.max(0, ...(await others()).map(waiting => waiting.number ?? 0)) + 1
  await writeNumber(own, number)
  const silent = silenceOf(place)
  let waited = 0
  for (let pause = 2; ; pause = Math.min(pause * 2, 16)) {
    const before = (await others()).filter(waiting => isBefore(waiting, { name: basename(own), number }))
    const dead = await Promise.all(before.map(({ name }) => silent(name, pause)))
    await Promise.all(before.map(({ name }, at) => dead[at] && rm(join(place.folder, name), { force: true })))
    if (dead.every(Boolean)) return
    if (waited > place.timing.limit)
      throw new AgentError('state_unusable', 'another process holds the state and does not let go of it')
    await sleep(pause)
    waited += pause
  }
}

/** Numbers can be equal, where two looked at the same time: names are not. */
function isBefore(other: Waiting, own: { readonly name: string; readonly number: number }): boolean {
  if (other.number === undefined || other.number < own.number) return true
  return other.number === own.number && other.name < own.name
}

async function line(folder: string): Promise<Waiting[]> {
  const names = await readdir(folder)
  const waiting = await Promise.all(names.map(async name => ({ name, number: await numberIn(join(folder, name)) })))
  return waiting.flatMap(({ name, number }) => (number === 'gone' ? [] : [{ name, number }]))
}

async function numberIn(file: string): Promise<number | undefined | 'gone'> {
  try {
    const [, digits] = /^(\d{1,15})\n$/.exec(await readFile(file, 'utf8')) ?? []
    return digits === undefined ? undefined : Number(digits)
  } catch (error) {
    if (isMissing(error)) return 'gone'
    throw error
  }
}

async function writeNumber(own: string, number: number): Promise<void> {
  // Not created anew: one that was deleted meanwhile has lost its place.
  const handle = await open(own, 'r+')
  try {
    await handle.write(`${number}\n`)
  } finally {
    await handle.close()
  }
}

/**
 * Tells who is dead: at once when it ran on this machine, else after a silence. Silence is counted in this process's
 * own waiting, never by comparing clocks: after a laptop slept everybody looks old.
 */
function silenceOf({ folder, machine, timing }: Place): (name: string, pause: number) => Promise<boolean> {
  const heard = new Map<string, { readonly at: number; readonly waited: number }>()
  return async (name, pause) => {
    const [pid, where] = name.split('-')
    if (where === machine && !isRunning(Number(pid))) return true
    const at = await lastSign(join(folder, name))
    if (at === undefined) return true
    const last = heard.get(name)
    const waited = last?.at === at ? last.waited + pause : 0
    heard.set(name, { at, waited })
    return waited > timing.silence
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** When a file last gave a sign of life; undefined when it is gone. */
async function lastSign(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Where process ids mean the same: two containers may share a folder and a host name, and know nothing of each other's. */
async function machineName(): Promise<string> {
  const parts = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ])
  return createHash('sha256')
    .update([hostname(), ...parts].join('\n'))
    .digest('hex')
    .slice(0, 16)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
