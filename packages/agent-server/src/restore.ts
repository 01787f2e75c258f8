import { recordIfUsed } from '@countersign/audit/internal'
import type { RestoreDatabaseOptions, Store } from '@countersign/store'
import { changeByParts, endOwnKeys, restoreDatabase } from '@countersign/store/internal'
import { distrustProofsUntil } from './enrollment/used-proof.js'
import { agentServerKind } from './kind.js'
import { migrations, room, type Tables } from './tables.js'

/** How a restored database is prepared. */
export interface RestoreOptions extends RestoreDatabaseOptions {
  /**
   * Whether delegates and own keys stay valid. Set it only where the backup is known to hold every revocation and rotation.
   * Default false: all delegates are revoked, and the agent server makes a new key.
   */
  readonly trustBackup?: boolean
}

/** What a restore has ended. */
export interface Restored {
  /** Deleted enrolment codes: used ones would be valid again. */
  readonly codes: number
  /** Revoked delegates: some may have been revoked, or have replaced their key, since the backup. */
  readonly delegates: number
  /** Ended own keys: some may have been retired or revoked since the backup. */
  readonly keys: number
}

/** Rows that one write changes. */
const atOnce = 500

/**
 * Ends what a backup brings back, and begins a new epoch, so that the agent server starts on the database again. Run it while no
 * instance runs. If it was interrupted, run it again. Revoked delegates enrol again by an invitation, or after `reinstate`.
 * @see protocol §6.3
 */
export function restoreAgentServer(options: RestoreOptions): Promise<Restored> {
  return restoreDatabase('restoreAgentServer', options, {
    room,
    migrations,
    end: async (store: Store<Tables>, { trustBackup, now }) => {
      const codes = await endCodes(store)
      await store.write(tx => distrustProofsUntil(tx, now()))
      const delegates = trustBackup ? 0 : await endDelegates(store, now())
      const keys = trustBackup ? 0 : await endOwnKeys(store, room, now)
      const record = await recordIfUsed(store, { ...agentServerKind, now })
      const ended = { codes, delegates, keys }
      await store.write(tx => record(tx, { type: 'restored', ...ended }))
      return ended
    },
  })
}

function endCodes(store: Store<Tables>): Promise<number> {
  return changeByParts(store, tx => {
    const some = tx.selectFrom('agent_server_enrollment_codes').select('hash').limit(atOnce)
    return tx.deleteFrom('agent_server_enrollment_codes').where('hash', 'in', some)
  })
}

function endDelegates(store: Store<Tables>, now: number): Promise<number> {
  return changeByParts(store, tx => {
    const live = tx.selectFrom('agent_server_delegates').where('revoked', 'is', null)
    const some = live.select('sub').orderBy('sub').limit(atOnce)
    return tx.updateTable('agent_server_delegates').set({ revoked: now }).where('sub', 'in', some)
  })
}
