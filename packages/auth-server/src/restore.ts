import type { RestoreDatabaseOptions, Store } from '@countersign/store'
import { changeByParts, restoreDatabase } from '@countersign/store/internal'
import { sweepAtMost } from './bound/sweep.js'
import { migrations, room, type Tables } from './tables.js'

/** How a restored database is prepared. */
export interface RestoreOptions extends RestoreDatabaseOptions {
  /**
   * Keeps users' grants and consents. Only for a backup that is known to hold every revocation.
   * Default false: users are asked again.
   */
  readonly trustBackup?: boolean
}

/** How many rows a restore has ended. */
export interface Restored {
  /** Requests and codes: used codes would work again. */
  readonly requests: number
  /** Links that make an account: used ones would work again. */
  readonly invitations: number
  /** Browser sessions: some users may have signed out since. */
  readonly sessions: number
  /** Grants of users: some may have been revoked since. */
  readonly grants: number
  /** Remembered consents, by scope: some may have been withdrawn since. */
  readonly consents: number
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
    end: async (store: Store<Tables>, { trustBackup }) => ({
      requests: await endRequests(store),
      invitations: await endInvitations(store),
      sessions: await endSessions(store),
      grants: trustBackup ? 0 : await endUserGrants(store),
      consents: trustBackup ? 0 : await endConsents(store),
    }),
  })
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
