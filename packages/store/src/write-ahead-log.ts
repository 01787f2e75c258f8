import { closeSync, openSync } from 'node:fs'
import { StoreError } from './store-error.js'

/** Syncs a file; `fdatasync` of `node:fs`. */
export type Datasync = (file: number, done: (error: Error | null) => void) => void

/** Makes committed writes survive a loss of power. */
export interface WriteAheadLog {
  /**
   * Resolves when everything committed so far is on the disk.
   * @throws StoreError `unavailable` after the first failed sync, and at every later call
   */
  sync(): Promise<void>
  /** @throws StoreError the error of the first failed sync */
  check(): void
  /** Whether every sync so far has succeeded. */
  isSound(): boolean
  close(): void
}

/**
 * Syncs the write-ahead log of a SQLite file as `synchronous=full` does after each commit, but on another thread: SQLite itself
 * would block the event loop. With `normal`, SQLite syncs the log only before it copies the log into the database.
 * The log stays the same file as long as any connection is open.
 * @see https://www.sqlite.org/wal.html "Checkpointing"
 */
export function writeAheadLog(file: string, datasync: Datasync): WriteAheadLog {
  // Opens an existing file only: syncing a new, empty file would prove nothing.
  const log = openSync(`${file}-wal`, 'r+')
  let failed: StoreError | undefined
  const check = (): void => {
    if (failed !== undefined) throw failed
  }
  return {
    async sync() {
      check()
      await new Promise<void>((resolve, reject) => {
        datasync(log, cause => {
          if (cause === null) return resolve()
          // The system drops pages that it could not write: a later sync would succeed although the log has a hole.
          failed ??= new StoreError('unavailable', 'the disk did not store a committed write', { cause })
          reject(failed)
        })
      })
    },
    check,
    isSound: () => failed === undefined,
    close: () => closeSync(log),
  }
}
