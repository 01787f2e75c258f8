import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { checkOptions } from '@countersign/protocol/internal'
import { parseDatabaseUrl } from './database-url.js'
import { StoreError } from './store-error.js'

/** What is copied, and where to. */
export interface BackupOptions {
  /** Store URL of an SQLite file. */
  readonly url: string
  /** The file of the copy, which must not exist. */
  readonly to: string
}

/** A copy that was made. */
export interface BackedUp {
  /** The absolute path of the copy. */
  readonly file: string
  readonly bytes: number
}

/** Milliseconds to wait for a process that begins or ends its use of the database. */
const busy = 5000

/**
 * Copies an SQLite database, also while other processes write to it: the copy is the database as it was when the backup began, with
 * every write that was acknowledged before. It takes no lock that a writer waits for. The copy is checked, is readable by its owner
 * only, is on the disk, and has its name only once it is whole. Call it in a process of its own: it blocks the event loop.
 * @throws TypeError for an invalid URL, or one of PostgreSQL or of memory; StoreError `unsuitable` when the copy is damaged; the error
 *   of the system, `EEXIST` when the file or its unfinished copy (`FILE.partial`) exists
 */
export async function backupDatabase(options: BackupOptions): Promise<BackedUp> {
  checkOptions('backupDatabase', options, { url: 'string', to: 'string' }, ['url', 'to'])
  const source = parseDatabaseUrl(options.url)
  if (!('file' in source)) throw new TypeError('only an SQLite file can be copied')
  const file = resolve(options.to)
  refuseExisting(file)
  const partial = `${file}.partial`
  // Made here, so that nobody else can ever read it; `wx` refuses the link that another user of the folder could put in its place.
  closeSync(openSync(partial, 'wx', 0o600))
  try {
    await copy(source.file, partial)
    publish(partial, file)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
  return { file, bytes: statSync(file).size }
}

async function copy(from: string, to: string): Promise<void> {
  const { libsqlDatabase } = await import('./libsql-database.js')
  const source = libsqlDatabase(from)
  try {
    source.value(`pragma busy_timeout = ${busy}`)
    // One read transaction of the source: in WAL mode neither reader nor writers wait for each other.
    source.prepare('vacuum into ?').run([to])
  } finally {
    source.close()
  }
  const copied = libsqlDatabase(to)
  try {
    if (copied.value('pragma quick_check') !== 'ok')
      throw new StoreError('unsuitable', 'the copy of the database is damaged')
  } finally {
    copied.close()
  }
}

/** Gives a finished copy its name, which no other file has. */
function publish(partial: string, file: string): void {
  sync(partial)
  try {
    // Unlike a rename, a link never replaces a file that was made meanwhile.
    linkSync(partial, file)
    rmSync(partial)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error
    // A file system without links.
    refuseExisting(file)
    renameSync(partial, file)
  }
  if (process.platform !== 'win32') sync(dirname(file))
}

function refuseExisting(file: string): void {
  if (existsSync(file)) throw Object.assign(new Error('the file exists'), { code: 'EEXIST' })
}

function sync(path: string): void {
  const opened = openSync(path, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
