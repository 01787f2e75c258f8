import { checkOptions, type OptionChecks } from '@countersign/protocol/internal'
import type { Kysely } from 'kysely'
import { beginEpoch, type EpochKeeper } from './epoch.js'
import type { MigratedRoom } from './migrate.js'
import { openStore } from './open-store.js'
import type { Store } from './store.js'

/** The options for preparing a restored database for the start. */
export interface RestoreDatabaseOptions {
  /** Store URL of the database that was restored. */
  readonly database: string
  /** The `epoch` option of the server. */
  readonly epoch: EpochKeeper
  /** Whether the backup is known to contain everything that has ended, so that only the minimum must be ended. Default false. */
  readonly trustBackup?: boolean
  /** Unix seconds. */
  readonly now?: () => number
  /** Called when the database has an epoch but `epoch` has no mark: the mark was lost or is elsewhere. A new one is written. */
  readonly onEpochLost?: () => void
}

/** The room that is restored, and what must end in it. */
export interface RestoredRoom<T, R> extends MigratedRoom {
  /** Ends what the backup would revive; resolves with what it ended. */
  readonly end: (store: Store<T>, how: { readonly trustBackup: boolean; readonly now: () => number }) => Promise<R>
}

const checks: OptionChecks<RestoreDatabaseOptions> = {
  database: 'string',
  epoch: 'object',
  trustBackup: 'boolean',
  now: 'function',
  onEpochLost: 'function',
}

/**
 * Ends grants and tokens that a backup would revive, and begins a new epoch. Run it again when it was interrupted.
 * @param name the function that got the options, for the error when they are invalid
 */
export async function restoreDatabase<T, R>(
  name: string,
  options: RestoreDatabaseOptions,
  { room, migrations, end }: RestoredRoom<T, R>,
): Promise<R> {
  checkOptions(name, options, checks, ['database', 'epoch'])
  const { database, epoch, trustBackup = false, now = () => Date.now() / 1000, onEpochLost } = options
  const store = await openStore<T>({ url: database, room, migrations })
  try {
    const ended = await end(store, { trustBackup, now })
    const onLost = onEpochLost === undefined ? {} : { onLost: onEpochLost }
    await beginEpoch(store, { room, keeper: epoch, now, ...onLost })
    return ended
  } finally {
    await store.close()
  }
}

/** The number of rows that a statement changed. */
interface Changed {
  readonly numDeletedRows?: bigint
  readonly numUpdatedRows?: bigint
}

/**
 * Changes rows in parts until none is left to change: a million at once would exceed the deadline of a write.
 * @param part the statement that changes one part
 * @returns the number of changed rows
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
