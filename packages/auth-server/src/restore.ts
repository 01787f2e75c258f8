import { changeByParts, type RestoreDatabaseOptions, restoreDatabase, type Store } from '@countersign/store'
import { sweepAtMost } from './bound/sweep.js'
import { migrations, room, type Tables } from './tables.js'

/** How a restored database is made fit to start on. */
export interface RestoreOptions extends RestoreDatabaseOptions {
  /**
   * Whether users' grants and what is remembered of them stay: only where the backup is known to hold every revocation.
   * Default false: users are asked again.
   */
  readonly trustBackup?: boolean
}

/** How many rows a restore has ended. */
export interface Restored {
  /** Requests that waited, and codes: used ones would be good again. */
  readonly requests: number
  /** Browsers that were signed in: some may have signed out since. */
  readonly sessions: number
  /** Grants of users: some may have been revoked since. */
  readonly grants: number
  /** Scopes that users are no longer asked about: some may have been taken back since. */
  readonly consents: number
}

/**
 * Ends what a backup brings back, and begins a new epoch, so that the auth server starts on the database again. Run it while no
 * instance runs; one that was interrupted is run again. Grants by policy stay: each refresh asks the policy.
 * @see protocol §6.3
 */
export function restoreAuthServer(options: RestoreOptions): Promise<Restored> {
  return restoreDatabase(
    'restoreAuthServer',
    options,
    { room, migrations },
    async (store: Store<Tables>, { trustBackup }) => ({
      requests: await endRequests(store),
      sessions: await endSessions(store),
      grants: trustBackup ? 0 : await endUserGrants(store),
      consents: trustBackup ? 0 : await endConsents(store),
    }),
  )
}

function endRequests(store: Store<Tables>): Promise<number> {
  return changeByParts(store, tx => {
    const some = tx.selectFrom('auth_server_requests').select('request_hash').limit(sweepAtMost)
    return tx.deleteFrom('auth_server_requests').where('request_hash', 'in', some)
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

/** User by user: what one has allowed is bounded, and its key has many columns. */
function endConsents(store: Store<Tables>): Promise<number> {
  return changeByParts(store, tx => {
    const users = tx.selectFrom('auth_server_consents').select('user_sub').distinct().limit(50)
    return tx.deleteFrom('auth_server_consents').where('user_sub', 'in', users)
  })
}
