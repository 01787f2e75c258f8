import { randomUUID } from 'node:crypto'
import { parseScope } from '@countersign/protocol'
import { prepared, type Store } from '@countersign/store'
import { sweepAtMost, sweeper } from '../bound/sweep.js'
import { beginningName } from '../mandate/chain.js'
import type { GrantRow, Tables } from '../tables.js'
import { forgetBegun, forgetConsent } from './consents.js'
import { type Grant, owns, type Principal, principalIn } from './grant.js'
import { boundedInsert, grantLock } from './grant-limit.js'
import { refreshTokenHash, refreshTokens } from './refresh-token.js'

/** Seconds a refresh token lives from its last use (protocol §5). */
export const grantLifetime: number = 90 * 86_400

/** What a code gave. */
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
  /** The live grant of a refresh token; absent when it is unknown, ended, or someone else's. */
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

/** Told of each grant that ends because its owner has too many. */
export type OnSurplus = (principal: Principal, grant: Grant) => void

/** Queries over the table. A revoked grant is a row that is gone, told from one that never was by nobody. */
export function grantsIn(
  store: Store<Tables>,
  now: () => number,
  issuer: string,
  onSurplus: OnSurplus = () => undefined,
): Grants {
  const sweep = sweeper(now, tx => sweepGrants(tx, now()))
  const write = grantWriter(store, onSurplus)
  const newRefreshToken = refreshTokens()
  const findByHash = prepared((db: Database, p: Pick<GrantRow, 'refresh_hash'>) =>
    db.selectFrom('auth_server_grants').selectAll().where('refresh_hash', '=', p.refresh_hash),
  )
  const noteUse = prepared((tx: Database, p: Pick<GrantRow, 'refresh_hash' | 'last_used'>) =>
    tx.updateTable('auth_server_grants').set({ last_used: p.last_used }).where('refresh_hash', '=', p.refresh_hash),
  )

  return {
    async add(principal, grant) {
      const token = newRefreshToken()
      await write({ principal, grant, token, now: now() }, async tx => {
        await sweep(tx)
        return true
      })
      return token
    },

    async find(principal, refreshToken) {
      const { rows } = await findByHash(store.db, { refresh_hash: refreshTokenHash(refreshToken) })
      const [row] = rows
      if (row === undefined || row.last_used + grantLifetime <= now() || !owns(principal, row)) return undefined
      return grantOf(row)
    },

    async use(refreshToken) {
      const refresh_hash = refreshTokenHash(refreshToken)
      const { numAffectedRows = 0n } = await store.write(tx => noteUse(tx, { refresh_hash, last_used: now() }))
      return numAffectedRows > 0n
    },

    revoke({ agent, delegate = '' }, refreshToken) {
      return store.write(async tx => {
        const row = await tx
          .deleteFrom('auth_server_grants')
          .where('refresh_hash', '=', refreshTokenHash(refreshToken))
          .where('agent', '=', agent)
          .where('agent_delegate', '=', delegate)
          .returningAll()
          .executeTakeFirst()
        if (row?.user_sub != null) {
          await forgetConsent(tx, { ...row, user_sub: row.user_sub }, parseScope(row.scope))
          await forgetPassedOn(tx, row, issuer)
        }
        return row && grantOf(row)
      })
    },

    redeemed({ agent, delegate = '' }, redemption) {
      return store.db
        .selectFrom('auth_server_grants')
        .select(['id', 'txn', 'created'])
        .where('redemption_hash', '=', redemption)
        .where('agent', '=', agent)
        .where('agent_delegate', '=', delegate)
        .executeTakeFirst()
    },

    endRedeemed({ agent, delegate = '' }, redemption) {
      return store.write(async tx => {
        const row = await tx
          .deleteFrom('auth_server_grants')
          .where('redemption_hash', '=', redemption)
          .where('agent', '=', agent)
          .where('agent_delegate', '=', delegate)
          .returningAll()
          .executeTakeFirst()
        if (row !== undefined) await forgetPassedOn(tx, row, issuer)
        return row && grantOf(row)
      })
    },
  }
}

/** What was passed on of a grant stops with it; that the user once allowed it must not outlive that either. */
async function forgetPassedOn(tx: Database, row: GrantRow, iss: string): Promise<void> {
  const { user_sub, agent, agent_delegate: delegate, resource } = row
  if (user_sub !== null) await forgetBegun(tx, user_sub, beginningName({ iss, agent, delegate, resource }))
}

/** How an event names a grant. */
export function grantedTo(
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

/** A grant as it is written; `redemption` is the hash of the code it came by. */
export interface NewGrant {
  readonly principal: Principal
  readonly grant: Grant
  readonly token: string
  readonly redemption?: string
  /** JSON of the words that the user saw. */
  readonly words?: string | null
  readonly now: number
}

/** Writes a grant unless `first`, which runs in the same transaction, says no; resolves with what that said, once it is on disk. */
export type GrantWriter = (grant: NewGrant, first: (tx: Database) => Promise<boolean>) => Promise<boolean>

/** Writes grants of one store, each with the end of those that are too many of its owner: both or neither. */
export function grantWriter(store: Store<Tables>, onSurplus: OnSurplus): GrantWriter {
  const insert = boundedInsert()
  return async (added, first) => {
    const { principal, grant } = added
    const ended = await store.write(
      async tx => {
        if (!(await first(tx))) return undefined
        return insert(tx, rowOf(added))
      },
      { alone: grantLock(principal, grant.user) },
    )
    for (const row of ended ?? []) onSurplus(principalIn(row), grantOf(row))
    return ended !== undefined
  }
}

type Database = Store<Tables>['db']

function rowOf({ principal, grant, token, redemption, words, now }: NewGrant): GrantRow {
  return {
    refresh_hash: refreshTokenHash(token),
    id: grant.id,
    agent: principal.agent,
    agent_delegate: principal.delegate ?? '',
    resource: grant.resource,
    scope: grant.scope,
    purpose: grant.purpose ?? null,
    created: now,
    last_used: now,
    user_sub: grant.user?.sub ?? null,
    claims: grant.user === undefined ? null : JSON.stringify(grant.user.claims),
    redemption_hash: redemption ?? null,
    txn: grant.txn ?? null,
    words: words ?? null,
  }
}

function grantOf({ id, resource, scope, purpose, txn, user_sub, claims }: GrantRow): Grant {
  return {
    id,
    resource,
    scope,
    purpose: purpose ?? undefined,
    txn: txn ?? undefined,
    user: user_sub === null ? undefined : { sub: user_sub, claims: JSON.parse(claims ?? '{}') },
  }
}

/** Deletes ended grants, a few at a time; resolves with how many. */
export async function sweepGrants(tx: Database, now: number): Promise<number> {
  const ended = tx
    .selectFrom('auth_server_grants')
    .select('refresh_hash')
    .where('last_used', '<=', now - grantLifetime)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_grants')
    .where('refresh_hash', 'in', ended)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
