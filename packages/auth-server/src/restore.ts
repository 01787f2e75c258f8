import { recordIfUsed } from '@countersign/audit/internal'
import type { RestoreDatabaseOptions, Store } from '@countersign/store'
import { changeByParts, endOwnKeys, restoreDatabase } from '@countersign/store/internal'
import { sweepAtMost } from './bound/sweep.js'
import type { Restored } from './event/restored.js'
import { authServerKind } from './setup/kind.js'
import { migrations, room, type Tables } from './tables/tables.js'

/** How a restored database is prepared. */
export interface RestoreOptions extends RestoreDatabaseOptions {
  /**
   * Keeps users' grants and consents, and the keys. Only for a backup that is known to hold every revocation.
   * Default false: users are asked again, and a rotation makes a new key.
   */
  readonly trustBackup?: boolean
}

/**
 * Ends what a backup would bring back, and begins a new epoch, so that the auth server starts on the database. Run it while no
 * instance runs; run it again when it was interrupted. Grants by policy stay: each refresh asks the policy.
 * @see protocol §6.3
 */
export function restoreAuthServer(options: RestoreOptions): Promise<Restored> {
  return restoreDatabase('restoreAuthServer', options, {
    room,
    migrations,
    end: async (store: Store<Tables>, { trustBackup, now }) => {
      const ended: Restored = {
        requests: await endRequests(store),
        invitations: await endInvitations(store),
        admins: await endAdmins(store),
        sessions: await endSessions(store),
        grants: trustBackup ? 0 : await endUserGrants(store),
        consents: trustBackup ? 0 : await endConsents(store),
        keys: trustBackup ? 0 : await endOwnKeys(store, room, now),
      }
      await recordRestore(store, ended)
      return ended
    },
  })
}

/** The history goes on from the backup: later checkpoints of the log conflict with those that were signed after it. */
async function recordRestore(store: Store<Tables>, ended: Restored): Promise<void> {
  const record = await recordIfUsed(store, { ...authServerKind, now: () => Date.now() / 1000 })
  await store.write(tx => record(tx, { type: 'restored', ...ended }))
}

function endRequests(store: Store<Tables>): Promise<number> {
  return changeByParts(store, tx => {
    const some = tx.selectFrom('auth_server_requests').select('request_hash').limit(sweepAtMost)
    return tx.deleteFrom('auth_server_requests').where('request_hash', 'in', some)
  })
}

function endInvitations(store: Store<Tables>): Promise<number> {
  return changeByParts(store, tx => {
    const some = tx.selectFrom('auth_server_invitations').select('secret_hash').limit(sweepAtMost)
    return tx.deleteFrom('auth_server_invitations').where('secret_hash', 'in', some)
  })
}

/** Few: their number is bounded. */
function endAdmins(store: Store<Tables>): Promise<number> {
  return store.write(async tx => {
    const links = await tx.deleteFrom('auth_server_admin_links').executeTakeFirstOrThrow()
    const keys = await tx.deleteFrom('auth_server_admin_keys').executeTakeFirstOrThrow()
    return Number(links.numDeletedRows + keys.numDeletedRows)
  })
}

function endSessions(store: Store<Tables>): Promise<number> {
  return changeByParts(store, tx => {
    const some = tx.selectFrom('auth_server_sessions').select('secret_hash').limit(sweepAtMost)
    return tx.deleteFrom('auth_server_sessions').where('secret_hash', 'in', some)
  })
}

function endUserGrants(store: Store<Tables>): Promise<number> {
  return changeByParts(store, tx => {
    const ofUsers = tx.selectFrom('auth_server_grants').where('user_sub', 'is not', null)
    return tx
      .deleteFrom('auth_server_grants')
      .where('refresh_hash', 'in', ofUsers.select('refresh_hash').limit(sweepAtMost))
  })
}

/** User by user, because the key of a consent has many columns; the consents of one user are bounded. */
function endConsents(store: Store<Tables>): Promise<number> {
  return changeByParts(store, tx => {
    const users = tx.selectFrom('auth_server_consents').select('user_sub').distinct().limit(50)
    return tx.deleteFrom('auth_server_consents').where('user_sub', 'in', users)
  })
}
