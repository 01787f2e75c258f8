import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { AgentError } from '../error.js'
import { fileLock, type StillHeld } from './file-lock.js'
import { queues } from './queue.js'
import type { AgentState } from './state.js'

/**
 * State in one JSON file that only its owner can read (mode 0600). Each write replaces the file atomically, and is safe on
 * disk when it resolves. `~/` is the home directory; missing directories are made with mode 0700. Any number of processes
 * may share the file: none loses what another wrote, and a killed process does not block the others. While a process
 * writes, there is a folder `FILE.lock` beside the file. A stopped process keeps its turn where the system shows that it
 * lives (`/proc`, same container); elsewhere others go on after 15 seconds without a sign of life. For a local disk, or a
 * network file system that behaves like one.
 * @throws AgentError `state_unusable` on use when others can read the file, when it is not JSON, and when another
 * process holds it for more than two minutes
 */
export function fileState(path: string): AgentState {
  if (path === '') throw new TypeError('fileState needs a path')
  const file = path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
  const lock = fileLock()
  const inOrder = queues()
  const change = (edit: (values: Map<string, unknown>) => void): Promise<void> =>
    inOrder('values', () =>
      lock(`${file}.lock`, async stillHeld => {
        const values = await loadValues(file)
        edit(values)
        await replaceFile(file, JSON.stringify(Object.fromEntries(values), null, 2), stillHeld)
      }),
    )
  return {
    read: key => inOrder('values', async () => (await loadValues(file)).get(key)),
    write: (key, value) => change(values => values.set(key, value)),
    remove: key => change(values => values.delete(key)),
    // Queued in this process first, so that each process has one file in the queue.
    exclusively: (name, task) => inOrder(`task ${name}`, () => lock(`${file}.lock-${digest(name)}`, task)),
  }
}

/** Turns a name into a part of a file name. */
function digest(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16)
}

async function loadValues(file: string): Promise<Map<string, unknown>> {
  const text = await readPrivate(file)
  // bound: one call
  if (text === undefined) return new Map()
  try {
    const value: unknown = JSON.parse(text)
    // bound: one call
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Map(Object.entries(value))
  } catch {
    // Thrown below, without a cause: the parser's message would quote the file, which holds keys.
  }
  throw new AgentError('state_unusable', 'the state file is not a JSON object', { file })
}

async function readPrivate(file: string): Promise<string | undefined> {
  try {
    const handle = await open(file, 'r')
    try {
      // An account that can read the file gets the agent's key and its refresh tokens.
      if (process.platform !== 'win32' && ((await handle.stat()).mode & 0o077) !== 0)
        throw new AgentError('state_unusable', 'the state file can be read by others: its mode must be 0600', { file })
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Replaces a file so that a crash leaves the old file or the new one, never half of one. */
async function replaceFile(file: string, text: string, stillHeld: StillHeld): Promise<void> {
  const folder = dirname(file)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await chmod(temporary, 0o600)
    if (!(await stillHeld()))
      throw new AgentError('state_unusable', 'this process stood still for so long that another took over the state')
    await rename(temporary, file)
    await syncFolder(folder)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Syncs the folder: else a power cut can bring the old file back, and with it a replaced key. */
async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
