import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { AgentError } from '../error.js'
import { fileLock, type StillHeld } from './file-lock.js'
import { queues } from './queue.js'
import type { AgentState } from './state.js'

/**
 * State in one JSON file that only its owner can read (mode 0600), replaced atomically at every write and safe on disk
 * when it resolves. `~/` is the home directory; missing directories are made with mode 0700. Any number of processes
 * may share it: none loses what another wrote, and one that was killed blocks nobody. Beside the file stands a folder
 * `FILE.lock` while somebody writes. A stopped process keeps its turn where the system tells that it lives (`/proc`, the
 * same container); elsewhere others go on after 15 seconds without a sign of it. On a local disk; a network file system
 * must keep what it promises of one.
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
    // In line in this process first: only one of it need stand in line with the others.
    exclusively: (name, task) => inOrder(`task ${name}`, () => lock(`${file}.lock-${digest(name)}`, task)),
  }
}

/** A name as part of a file name. */
function digest(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16)
}

async function loadValues(file: string): Promise<Map<string, unknown>> {
  const text = await readPrivate(file)
  if (text === undefined) return new Map()
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Map(Object.entries(value))
  } catch {
    // Said below: the parser's message would quote the file, and the file holds keys.
  }
  throw new AgentError('state_unusable', 'the state file is not a JSON object', { file })
}

async function readPrivate(file: string): Promise<string | undefined> {
  try {
    const handle = await open(file, 'r')
    try {
      // Another account that can read the file has the agent's key and its refresh tokens.
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

/** A crash leaves the old file or the new one, never half of one. */
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

/** Without it a power cut can bring the old file back, and with it a key that was rotated away. */
async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
