import { closeSync, openSync } from 'node:fs'
import { StoreError } from './store-error.js'

/** Syncs a file; `fdatasync` of `node:fs`. */
export type Datasync = (file: number, done: (error: Error | null) => void) => void

/** Makes what was committed survive the loss of power. */
export interface WriteAheadLog {
  /**
   * Resolves when everything committed so far is on the disk.
   * @throws StoreError `unavailable`, from the first failure on for good
   */
  sync(): Promise<void>
  /** @throws StoreError what a sync has failed with */
  check(): void
  /** Whether every sync so far has succeeded. */
  isSound(): boolean
  close(): void
}

/**
 * Syncs the write-ahead log of a SQLite file as `synchronous=full` does after each commit, but on another thread: SQLite itself
 * would let the event loop wait for the disk. With `normal` it syncs the log only before it is copied into the database, which stays its affair.
 * The log is one file as long as any connection is open.
 * @see https://www.sqlite.org/wal.html "Checkpointing"
 */
export function writeAheadLog(file: string, datasync: Datasync): WriteAheadLog {
  // One that is there, for to sync a new file beside it would prove nothing.
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
          // A system forgets what it could not write: a later sync would succeed, over a log with a hole in it.
          failed ??= new StoreError('unavailable', 'the disk did not take what was written', { cause })
          reject(failed)
        })
      })
    },
    check,
    isSound: () => failed === undefined,
    close: () => closeSync(log),
  }
}
