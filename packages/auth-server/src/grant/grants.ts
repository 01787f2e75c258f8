import { randomUUID } from 'node:crypto'
import { parseScope } from '@countersign/protocol'
import { prepared, type Store } from '@countersign/store'
import { sweepAtMost, sweeper } from '../bound/sweep.js'
import { beginningName } from '../mandate/chain.js'
import type { GrantRow, Tables } from '../tables.js'
import { forgetBegun, forgetConsent } from './consents.js'
import { type Grant, owns, type Principal, principalColumns } from './grant.js'
import { grantOf } from './grant-row.js'
import { grantWriter, type OnSurplus } from './grant-writer.js'
import { refreshTokenHash, refreshTokenLifetime, refreshTokens } from './refresh-token.js'

/** A grant that a code gave. */
export interface Redeemed {
  /** Names the grant in events. */
  readonly id: string
  readonly txn: string | null
  /** Unix seconds. */
  readonly created: number
}

/** The grants of one auth server, as its database keeps them. */
export interface Grants {
  /** Stores a grant, and ends those that are too many of its owner; resolves with its refresh token once that is on disk. */
  add(principal: Principal, grant: Grant): Promise<string>
  /** The live grant of a refresh token; undefined when it is unknown, has ended, or is another principal's. */
  find(principal: Principal, refreshToken: string): Promise<Grant | undefined>
  /** Notes a use; false when the grant has ended since it was found. */
  use(refreshToken: string): Promise<boolean>
  /**
   * Ends a grant of this principal, and what is remembered of the user's consent to it; resolves once that is on disk.
   * Absent when it has no such grant.
   */
  revoke(principal: Principal, refreshToken: string): Promise<Grant | undefined>
  /** The live grant of this principal that a code gave. */
  redeemed(principal: Principal, redemption: string): Promise<Redeemed | undefined>
  /** Ends the grant that a code gave; absent when there is none. */
  endRedeemed(principal: Principal, redemption: string): Promise<Grant | undefined>
}

/** A name for a new grant. */
export function newGrantId(): string {
  return randomUUID()
}

type Database = Store<Tables>['db']

/** Queries over the table. A revoked grant has no row: callers cannot tell it from one that never was. */
export function grantsIn(
  store: Store<Tables>,
  now: () => number,
  o: { readonly issuer: string; readonly onSurplus?: OnSurplus },
): Grants {
  const { issuer, onSurplus = () => undefined } = o
  const add = grantAdder(store, now, onSurplus)
  return {
    add,
    ...grantReader(store, now),
    revoke: (principal, refreshToken) =>
      store.write(async tx => {
        const row = await deleteGrant(tx, principal, { refresh_hash: refreshTokenHash(refreshToken) })
        if (row?.user_sub != null) await forgetConsent(tx, { ...row, user_sub: row.user_sub }, parseScope(row.scope))
        return row && endExchanges(tx, row, issuer)
      }),
    endRedeemed: (principal, redemption) =>
      store.write(async tx => {
        const row = await deleteGrant(tx, principal, { redemption_hash: redemption })
        return row && endExchanges(tx, row, issuer)
      }),
  }
}

function grantAdder(store: Store<Tables>, now: () => number, onSurplus: OnSurplus): Grants['add'] {
  const sweep = sweeper(now, tx => sweepGrants(tx, now()))
  const write = grantWriter(store, onSurplus)
  const newRefreshToken = refreshTokens()
  return async (principal, grant) => {
    const token = newRefreshToken()
    await write({ principal, grant, token, now: now() }, async tx => {
      await sweep(tx)
      return true
    })
    return token
  }
}

/** Statements that run at every refresh are prepared once. */
function grantReader(store: Store<Tables>, now: () => number): Pick<Grants, 'find' | 'use' | 'redeemed'> {
  const findByHash = prepared((db: Database, p: Pick<GrantRow, 'refresh_hash'>) =>
    db.selectFrom('auth_server_grants').selectAll().where('refresh_hash', '=', p.refresh_hash),
  )
  const noteUse = prepared((tx: Database, p: Pick<GrantRow, 'refresh_hash' | 'last_used'>) =>
    tx.updateTable('auth_server_grants').set({ last_used: p.last_used }).where('refresh_hash', '=', p.refresh_hash),
  )
  return {
    async find(principal, refreshToken) {
      const { rows } = await findByHash(store.db, { refresh_hash: refreshTokenHash(refreshToken) })
      const [row] = rows
      if (row === undefined || row.last_used + refreshTokenLifetime <= now() || !owns(principal, row)) return undefined
      return grantOf(row)
    },

    async use(refreshToken) {
      const refresh_hash = refreshTokenHash(refreshToken)
      const { numAffectedRows = 0n } = await store.write(tx => noteUse(tx, { refresh_hash, last_used: now() }))
      return numAffectedRows > 0n
    },

    redeemed(principal, redemption) {
      return store.db
        .selectFrom('auth_server_grants')
        .select(['id', 'txn', 'created'])
        .where(({ and }) => and({ redemption_hash: redemption, ...principalColumns(principal) }))
        .executeTakeFirst()
    },
  }
}

function deleteGrant(
  tx: Database,
  principal: Principal,
  hash: Pick<GrantRow, 'refresh_hash'> | { readonly redemption_hash: string },
): Promise<GrantRow | undefined> {
  return tx
    .deleteFrom('auth_server_grants')
    .where(({ and }) => and({ ...hash, ...principalColumns(principal) }))
    .returningAll()
    .executeTakeFirst()
}

/** Exchanges based on a grant end with it, and so does the user's consent to them. Resolves with the grant. */
async function endExchanges(tx: Database, row: GrantRow, iss: string): Promise<Grant> {
  const { user_sub, agent, agent_delegate: delegate, resource } = row
  if (user_sub !== null) await forgetBegun(tx, user_sub, beginningName({ iss, agent, delegate, resource }))
  return grantOf(row)
}

/** How an event names a grant. */
export function grantFacts(
  principal: Principal,
  { id, resource, scope, user, txn }: Grant,
): Principal & {
  readonly resource: string
  readonly scope: string[]
  readonly grant: string
  readonly user?: string
  readonly txn?: string
} {
  return {
    ...principal,
    resource,
    scope: parseScope(scope),
    grant: id,
    ...(user === undefined ? {} : { user: user.sub }),
    ...(txn === undefined ? {} : { txn }),
  }
}

/** Deletes ended grants, a few at a time; resolves with how many. */
export async function sweepGrants(tx: Database, now: number): Promise<number> {
  const ended = tx
    .selectFrom('auth_server_grants')
    .select('refresh_hash')
    .where('last_used', '<=', now - refreshTokenLifetime)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_grants')
    .where('refresh_hash', 'in', ended)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
