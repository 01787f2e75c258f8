import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { AgentError } from './error.js'
import type { AgentState } from './state.js'

/**
 * State in one JSON file that only its owner can read (mode 0600), replaced atomically at every write.
 * `~/` is the home directory; missing directories are made with mode 0700. For one process at a time: writes of
 * one process are kept in order, two processes could undo each other's.
 * @throws AgentError `state_unusable` on use when others can read the file, or when it is not JSON
 */
export function fileState(path: string): AgentState {
  if (path === '') throw new TypeError('fileState needs a path')
  const file = path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
  let last: Promise<unknown> = Promise.resolve()
  const inOrder = <T>(task: () => Promise<T>): Promise<T> => {
    const next = last.then(task, task)
    last = next.catch(() => undefined)
    return next
  }
  const change = (edit: (values: Map<string, unknown>) => void): Promise<void> =>
    inOrder(async () => {
      const values = await load(file)
      edit(values)
      await replace(file, JSON.stringify(Object.fromEntries(values), null, 2))
    })
  return {
    read: key => inOrder(async () => (await load(file)).get(key)),
    write: (key, value) => change(values => values.set(key, value)),
    remove: key => change(values => values.delete(key)),
  }
}

async function load(file: string): Promise<Map<string, unknown>> {
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
    const { mode } = await stat(file)
    // Another account that can read the file has the agent's key and its refresh tokens.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new AgentError('state_unusable', 'the state file can be read by others: its mode must be 0600', { file })
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** A crash leaves the old file or the new one, never half of one. */
async function replace(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
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
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
