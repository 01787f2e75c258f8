import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm, rmdir, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from '../error.js'
import { checkLife, type ProcessIdentity, readOwnIdentity } from './process-identity.js'

/** The times of a lock, in milliseconds. */
export interface FileLockTiming {
  /** Between two signs of life of a process in the queue. */
  readonly beat: number
  /** Without a sign of life for so long, a process that cannot be checked (in another container, say) counts as dead. */
  readonly silence: number
  /** The longest wait for the processes ahead. */
  readonly limit: number
}

const usual: FileLockTiming = { beat: 2000, silence: 15_000, limit: 120_000 }

/** Whether the task still holds the lock: a process that was stopped for long may have been taken for dead. */
export type StillHeld = () => Promise<boolean>

/** Runs a task while no other process runs one with the same folder. */
export type FileLock = <T>(folder: string, task: (stillHeld: StillHeld) => Promise<T>) => Promise<T>

/**
 * A lock between processes: a folder that is a queue (Lamport's bakery algorithm). Each process has one file there, with a
 * name that is never used again. The file is empty while its process looks for the highest number, then holds the next
 * number. The process with the lowest number runs. Any process may delete the file of a dead one at any time, since no
 * other will ever own that file. A single lock file would not do: two processes that find it stale at once could each
 * take it from the other. For local file systems, where a process reads what another has written.
 */
export function fileLock(timing: FileLockTiming = usual): FileLock {
  const identity = readOwnIdentity()
  return async (folder, task) => {
    const place: Place = { folder, identity: await identity, timing }
    for (;;) {
      const own = await joinQueue(place)
      const beat = setInterval(() => {
        const now = new Date()
        utimes(own, now, now).catch(() => undefined)
      }, timing.beat)
      try {
        if ((await waitForTurn(own, place)) === 'first')
          return await task(async () => (await lastBeat(own)) !== undefined)
      } finally {
        clearInterval(beat)
        await rm(own, { force: true })
        // Fails while other processes are in the queue.
        await rmdir(folder).catch(() => undefined)
      }
    }
  }
}

interface Place {
  readonly folder: string
  readonly identity: ProcessIdentity
  readonly timing: FileLockTiming
}

/** A process in the queue. Without a number, it is still looking for one. */
interface QueueEntry {
  readonly name: string
  readonly number: number | undefined
}

async function joinQueue({ folder, identity }: Place): Promise<string> {
  const { pid, start, machine } = identity
  const own = join(folder, `${pid}.${start}-${machine}-${randomBytes(8).toString('hex')}`)
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 })
  for (;;) {
    try {
      // Not `recursive`: that checks again a folder it found, and fails when the last process removed the folder meanwhile.
      await mkdir(folder, { mode: 0o700 }).catch(ignoring('EEXIST'))
      await (await open(own, 'wx', 0o600)).close()
      return own
    } catch (error) {
      // The last process to leave removed the folder between the two calls.
      if (!hasCode(error, 'ENOENT')) throw error
      await stat(dirname(folder))
    }
  }
}

/**
 * Takes the next number, and waits until no process is ahead. `lost`: this process stood still for so long that it was
 * taken for dead. It must join anew, since the next process runs already.
 */
async function waitForTurn(own: string, place: Place): Promise<'first' | 'lost'> {
  const others = async (): Promise<QueueEntry[]> =>
    (await readQueue(place.folder)).filter(({ name }) => name !== basename(own))
  const number = Math.max(0, ...(await others()).map(waiting => waiting.number ?? 0)) + 1
  if (!(await writeNumber(own, number))) return 'lost'
  const isDead = deadCheck(place)
  let waited = 0
  for (let pause = 2; ; pause = Math.min(pause * 2, 16)) {
    const before = (await others()).filter(waiting => isBefore(waiting, { name: basename(own), number }))
    const dead = await Promise.all(before.map(({ name }) => isDead(name, pause)))
    await Promise.all(before.map(({ name }, at) => dead[at] && rm(join(place.folder, name), { force: true })))
    if ((await lastBeat(own)) === undefined) return 'lost'
    if (dead.every(Boolean)) return 'first'
    if (waited > place.timing.limit)
      throw new AgentError('state_unusable', 'another process does not release the state')
    await sleep(pause)
    waited += pause
  }
}

/** Whether another process is ahead. Two that looked at the same time have equal numbers; their names differ. */
function isBefore(other: QueueEntry, own: { readonly name: string; readonly number: number }): boolean {
  if (other.number === undefined || other.number < own.number) return true
  return other.number === own.number && other.name < own.name
}

async function readQueue(folder: string): Promise<QueueEntry[]> {
  // Without the folder the queue is empty, this process included: `waitForTurn` notices.
  const names = await readdir(folder).catch(ignoring('ENOENT'))
  const waiting = await Promise.all(
    (names ?? []).map(async name => ({ name, number: await readNumber(join(folder, name)) })),
  )
  return waiting.flatMap(({ name, number }) => (number === 'gone' ? [] : [{ name, number }]))
}

async function readNumber(file: string): Promise<number | undefined | 'gone'> {
  const text = await readFile(file, 'utf8').catch(ignoring('ENOENT'))
  if (text === undefined) return 'gone'
  const [, digits] = /^(\d{1,15})\n$/.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** Writes the number; false when the file is gone. It is not created anew: a deleted file has lost its place. */
async function writeNumber(own: string, number: number): Promise<boolean> {
  const handle = await open(own, 'r+').catch(ignoring('ENOENT'))
  if (handle === undefined) return false
  try {
    await handle.write(`${number}\n`)
  } finally {
    await handle.close()
  }
  return true
}

/**
 * Returns a check of whether a process is dead: at once if the system knows, else after a silence. A process that is known
 * to live is waited for even when stopped: it would later go on without knowing that it lost the lock. Silence is counted
 * in the time this process has waited, never by comparing clocks: after a laptop slept, every file looks old.
 */
function deadCheck({ folder, identity, timing }: Place): (name: string, pause: number) => Promise<boolean> {
  // bound: processes that wait for one lock; grown by the program
  const heard = new Map<string, { readonly at: number; readonly waited: number }>()
  return async (name, pause) => {
    const life = await checkLife(parseIdentity(name), identity.machine)
    if (life !== 'unsure') return life === 'dead'
    const at = await lastBeat(join(folder, name))
    if (at === undefined) return true
    const last = heard.get(name)
    const waited = last?.at === at ? last.waited + pause : 0
    heard.set(name, { at, waited })
    return waited > timing.silence
  }
}

function parseIdentity(name: string): ProcessIdentity {
  const [who = '', machine = ''] = name.split('-')
  const [pid, start = ''] = who.split('.')
  return { pid: Number(pid), start, machine }
}

/** Returns when a process last gave a sign of life; undefined when its file is gone. */
async function lastBeat(file: string): Promise<number | undefined> {
  return (await stat(file).catch(ignoring('ENOENT')))?.mtimeMs
}

/** Returns a handler that turns one error code into undefined. */
function ignoring(code: string): (error: unknown) => undefined {
  return error => {
    if (!hasCode(error, code)) throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
