import { checkOptions, type OptionChecks } from '@countersign/protocol'
import { beginEpoch, type EpochKeeper, openStore, type Store } from '@countersign/store'
import { sweepAtMost } from './sweep.js'
import { migrations, room, type Tables } from './tables.js'

/** How a restored database is made fit to start on. */
export interface RestoreOptions {
  /** Store URL of the database that was restored. */
  readonly database: string
  /** What the auth server has as its `epoch`. */
  readonly epoch: EpochKeeper
  /**
   * Whether users' grants and what is remembered of them stay: only where the backup is known to hold every revocation.
   * Default false: users are asked again.
   */
  readonly trustBackup?: boolean
  /** Unix seconds. */
  readonly now?: () => number
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

const checks: OptionChecks<RestoreOptions> = {
  database: 'string',
  epoch: 'object',
  trustBackup: 'boolean',
  now: 'function',
}

/**
 * Ends what a backup brings back, and begins a new epoch, so that the auth server starts on the database again. Run it while no
 * instance runs; one that was interrupted is run again. Grants by policy stay: each refresh asks the policy.
 * @see protocol §6.3
 */
export async function restoreAuthServer(options: RestoreOptions): Promise<Restored> {
  checkOptions('restoreAuthServer', options, checks, ['database', 'epoch'])
  const { database, epoch, trustBackup = false, now = () => Date.now() / 1000 } = options
  const store = await openStore<Tables>({ url: database, room, migrations })
  try {
    const requests = await endRequests(store)
    const sessions = await endSessions(store)
    const grants = trustBackup ? 0 : await endUserGrants(store)
    const consents = trustBackup ? 0 : await endConsents(store)
    await beginEpoch(store, { room, keeper: epoch, now })
    return { requests, sessions, grants, consents }
  } finally {
    await store.close()
  }
}

/** Deletes in parts: a million rows at once would outlast the deadline of a write. */
async function byParts(part: () => Promise<number>): Promise<number> {
  let ended = 0
  for (;;) {
    const some = await part()
    ended += some
    if (some === 0) return ended
  }
}

function endRequests(store: Store<Tables>): Promise<number> {
  return byParts(() =>
    store.write(async tx => {
      const some = tx.selectFrom('auth_server_requests').select('request_hash').limit(sweepAtMost)
      const { numDeletedRows } = await tx
        .deleteFrom('auth_server_requests')
        .where('request_hash', 'in', some)
        .executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    }),
  )
}

function endSessions(store: Store<Tables>): Promise<number> {
  return byParts(() =>
    store.write(async tx => {
      const some = tx.selectFrom('auth_server_sessions').select('secret_hash').limit(sweepAtMost)
      const { numDeletedRows } = await tx
        .deleteFrom('auth_server_sessions')
        .where('secret_hash', 'in', some)
        .executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    }),
  )
}

function endUserGrants(store: Store<Tables>): Promise<number> {
  return byParts(() =>
    store.write(async tx => {
      const some = tx
        .selectFrom('auth_server_grants')
        .select('refresh_hash')
        .where('user_sub', 'is not', null)
        .limit(sweepAtMost)
      const { numDeletedRows } = await tx
        .deleteFrom('auth_server_grants')
        .where('refresh_hash', 'in', some)
        .executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    }),
  )
}

/** User by user: what one has allowed is bounded, and its key has many columns. */
function endConsents(store: Store<Tables>): Promise<number> {
  return byParts(() =>
    store.write(async tx => {
      const users = await tx.selectFrom('auth_server_consents').select('user_sub').distinct().limit(50).execute()
      if (users.length === 0) return 0
      const { numDeletedRows } = await tx
        .deleteFrom('auth_server_consents')
        .where(
          'user_sub',
          'in',
          users.map(({ user_sub }) => user_sub),
        )
        .executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    }),
  )
}
