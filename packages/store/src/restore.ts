import { checkOptions, type OptionChecks } from '@countersign/protocol'
import type { Kysely } from 'kysely'
import { beginEpoch, type EpochKeeper } from './epoch.js'
import { openStore } from './open-store.js'
import type { Migration, Store } from './store.js'

/** How a restored database is made fit to start on. */
export interface RestoreDatabaseOptions {
  /** Store URL of the database that was restored. */
  readonly database: string
  /** What the server has as its `epoch`. */
  readonly epoch: EpochKeeper
  /** Whether the backup is known to hold all that has ended since, so that no more than what must end does. Default false. */
  readonly trustBackup?: boolean
  /** Unix seconds. */
  readonly now?: () => number
  /** Told where the database had an epoch and `epoch` has no mark: it was lost, or is kept somewhere else. One is written. */
  readonly onEpochLost?: () => void
}

/** The tables that are in the database. */
export interface MigratedRoom {
  readonly room: string
  readonly migrations: readonly Migration[]
}

const checks: OptionChecks<RestoreDatabaseOptions> = {
  database: 'string',
  epoch: 'object',
  trustBackup: 'boolean',
  now: 'function',
  onEpochLost: 'function',
}

/**
 * Ends what a backup brings back, and begins a new epoch. What is interrupted is run again.
 * @param name of the function that was given the options, for the error where they are wrong
 * @param end ends it; resolves with what that was
 */
export async function restoreDatabase<T, R>(
  name: string,
  options: RestoreDatabaseOptions,
  of: MigratedRoom,
  end: (store: Store<T>, how: { readonly trustBackup: boolean; readonly now: () => number }) => Promise<R>,
): Promise<R> {
  checkOptions(name, options, checks, ['database', 'epoch'])
  const { database, epoch, trustBackup = false, now = () => Date.now() / 1000, onEpochLost } = options
  const store = await openStore<T>({ url: database, ...of })
  try {
    const ended = await end(store, { trustBackup, now })
    const onLost = onEpochLost === undefined ? {} : { onLost: onEpochLost }
    await beginEpoch(store, { room: of.room, keeper: epoch, now, ...onLost })
    return ended
  } finally {
    await store.close()
  }
}

/** How many rows a statement has changed. */
interface Changed {
  readonly numDeletedRows?: bigint
  readonly numUpdatedRows?: bigint
}

/**
 * Changes rows in parts until there are none left to change, since a million at once would outlast the deadline of a write.
 * @param part the statement that changes some
 * @returns how many it were
 */
export async function changeByParts<T>(
  store: Store<T>,
  part: (tx: Kysely<T>) => { executeTakeFirstOrThrow(): Promise<Changed> },
): Promise<number> {
  let changed = 0
  for (;;) {
    const { numDeletedRows, numUpdatedRows } = await store.write(tx => part(tx).executeTakeFirstOrThrow())
    const some = Number(numDeletedRows ?? numUpdatedRows ?? 0n)
    changed += some
    if (some === 0) return changed
  }
}
