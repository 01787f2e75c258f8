import { checkOptions, type OptionChecks } from '@countersign/protocol'
import { beginEpoch, type EpochKeeper, openStore, type Store } from '@countersign/store'
import { migrations, room, type Tables } from './tables.js'
import { forgetProofsUntil } from './used-proof.js'

/** How a restored database is made fit to start on. */
export interface RestoreOptions {
  /** Store URL of the database that was restored. */
  readonly database: string
  /** What the agent server has as its `epoch`. */
  readonly epoch: EpochKeeper
  /**
   * Whether delegates and own keys stay as they were: only where the backup is known to hold every revocation and rotation.
   * Default false: delegates are revoked, and the agent server makes a new key.
   */
  readonly trustBackup?: boolean
  /** Unix seconds. */
  readonly now?: () => number
}

/** What a restore has ended. */
export interface Restored {
  /** Enrolment codes: used ones would be good again. */
  readonly codes: number
  /** Delegates that are revoked now: some may have been revoked, or have had their key replaced, since. */
  readonly delegates: number
  /** Own keys that were forgotten: some may have signed no more since. */
  readonly keys: number
}

/** Rows that one write changes. */
const atOnce = 500

const checks: OptionChecks<RestoreOptions> = {
  database: 'string',
  epoch: 'object',
  trustBackup: 'boolean',
  now: 'function',
}

/**
 * Ends what a backup brings back, and begins a new epoch, so that the agent server starts on the database again. Run it while no
 * instance runs; one that was interrupted is run again. Revoked delegates enrol again by an invitation, or once they are reinstated.
 * @see protocol §6.3
 */
export async function restoreAgentServer(options: RestoreOptions): Promise<Restored> {
  checkOptions('restoreAgentServer', options, checks, ['database', 'epoch'])
  const { database, epoch, trustBackup = false, now = () => Date.now() / 1000 } = options
  const store = await openStore<Tables>({ url: database, room, migrations })
  try {
    const codes = await endCodes(store)
    await store.write(tx => forgetProofsUntil(tx, now()))
    const delegates = trustBackup ? 0 : await endDelegates(store, now())
    const keys = trustBackup ? 0 : await forgetKeys(store)
    await beginEpoch(store, { room, keeper: epoch, now })
    return { codes, delegates, keys }
  } finally {
    await store.close()
  }
}

/** Changes rows in parts: a million at once would outlast the deadline of a write. */
async function byParts(part: () => Promise<bigint>): Promise<number> {
  let changed = 0
  for (;;) {
    const some = Number(await part())
    changed += some
    if (some === 0) return changed
  }
}

function endCodes(store: Store<Tables>): Promise<number> {
  return byParts(() =>
    store.write(async tx => {
      const some = tx.selectFrom('agent_server_enrollment_codes').select('hash').limit(atOnce)
      const { numDeletedRows } = await tx
        .deleteFrom('agent_server_enrollment_codes')
        .where('hash', 'in', some)
        .executeTakeFirstOrThrow()
      return numDeletedRows
    }),
  )
}

function endDelegates(store: Store<Tables>, now: number): Promise<number> {
  return byParts(() =>
    store.write(async tx => {
      const some = tx
        .selectFrom('agent_server_delegates')
        .select('sub')
        .where('revoked', 'is', null)
        .orderBy('sub')
        .limit(atOnce)
      const { numUpdatedRows } = await tx
        .updateTable('agent_server_delegates')
        .set({ revoked: now })
        .where('sub', 'in', some)
        .executeTakeFirstOrThrow()
      return numUpdatedRows
    }),
  )
}

async function forgetKeys(store: Store<Tables>): Promise<number> {
  const { numDeletedRows } = await store.write(tx => tx.deleteFrom('agent_server_keys').executeTakeFirstOrThrow())
  return Number(numDeletedRows)
}
