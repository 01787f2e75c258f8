import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm, rmdir, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from '../error.js'
import { checkLife, type ProcessIdentity, readOwnIdentity } from './process-identity.js'

/** How patient a lock is, in milliseconds. */
export interface FileLockTiming {
  /** Between signs of life of who is in line. */
  readonly beat: number
  /** Without one for so long, somebody counts as dead who may not be seen from here: in another container, say. */
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
        // Fails while others stand in line.
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

/** Somebody in line. Without a number: still looking for one. */
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
      // Not `recursive`: that looks again at a folder it found, and fails when who left last took it meanwhile.
      await mkdir(folder, { mode: 0o700 }).catch(ignoring('EEXIST'))
      await (await open(own, 'wx', 0o600)).close()
      return own
    } catch (error) {
      // Who left last took the folder with them, between the two calls.
      if (!hasCode(error, 'ENOENT')) throw error
      await stat(dirname(folder))
    }
  }
}

/**
 * Takes the next number, and resolves when nobody before is left. `lost` is the place of one that stood still for so
 * long that it was taken for dead: it must join anew, for whoever came after runs already.
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
      throw new AgentError('state_unusable', 'another process holds the state and does not let go of it')
    await sleep(pause)
    waited += pause
  }
}

/** Numbers can be equal, where two looked at the same time: names are not. */
function isBefore(other: QueueEntry, own: { readonly name: string; readonly number: number }): boolean {
  if (other.number === undefined || other.number < own.number) return true
  return other.number === own.number && other.name < own.name
}

async function readQueue(folder: string): Promise<QueueEntry[]> {
  // Without a folder nobody stands in it, its reader included: `turn` finds that out.
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

/** False when the file is gone: it is not created anew, since one that was deleted has lost its place. */
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
 * Tells who is dead: at once where the system knows, else after a silence. Who is known to live is waited for, even
 * stopped: it would go on where it stood, and not know. Silence is counted in this process's own waiting, never by
 * comparing clocks: after a laptop slept everybody looks old.
 */
function deadCheck({ folder, identity, timing }: Place): (name: string, pause: number) => Promise<boolean> {
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

/** When a file last gave a sign of life; undefined when it is gone. */
async function lastBeat(file: string): Promise<number | undefined> {
  return (await stat(file).catch(ignoring('ENOENT')))?.mtimeMs
}

/** Takes one failure for an answer: nothing. */
function ignoring(code: string): (error: unknown) => undefined {
  return error => {
    if (!hasCode(error, code)) throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
