import { randomUUID } from 'node:crypto'
import type { Also } from '@countersign/audit/internal'
import { parseScope } from '@countersign/protocol'
import { prepared, type Store } from '@countersign/store'
import { sweeper } from '../bound/sweep.js'
import { beginningName } from '../mandate/chain.js'
import { purposesIn } from '../mandate/conditions-text.js'
import { type EndedBy, type GrantEnd, writeNotices } from '../revocation/notices.js'
import type { GrantRow, Tables } from '../tables/tables.js'
import { forgetBegun, forgetConsent } from './consents.js'
import { type Grant, owns, type Principal, principalColumns } from './grant.js'
import { grantOf } from './grant-row.js'
import {
  deleteGrants,
  type GrantWriting,
  grantLock,
  grantWriter,
  type OnSurplus,
  sweepGrants,
  useNote,
} from './grant-writer.js'
import { refreshTokenHash, refreshTokenLifetime, refreshTokens } from './refresh-token.js'

/** A grant that a code gave. */
export interface Redeemed {
  /** Names the grant in events. */
  readonly id: string
  readonly txn: string | null
  /** `sub` of the user who allowed it. */
  readonly user_sub: string | null
  /** Unix seconds. */
  readonly created: number
}

/** The grants of one auth server, as its database keeps them. */
export interface Grants {
  /** Stores a grant, and ends those that are too many of its owner; resolves with its refresh token once that is on disk. */
  add(principal: Principal, grant: Grant, also?: Also): Promise<string>
  /** The live grant of a refresh token; undefined when it is unknown, has ended, or is another principal's. */
  find(principal: Principal, refreshToken: string): Promise<Grant | undefined>
  /** Notes a use of a grant as it was found; false when it has ended or was narrowed since: then it is not the grant of its name. */
  use(refreshToken: string, id: string, also?: Also): Promise<boolean>
  /**
   * Ends a grant of this principal, and what is remembered of the user's consent to it; resolves once that is on disk.
   * Absent when it has no such grant.
   */
  revoke(principal: Principal, refreshToken: string, also?: Also<Grant>): Promise<Grant | undefined>
  /** The live grant of this principal that a code gave. */
  redeemed(principal: Principal, redemption: string): Promise<Redeemed | undefined>
  /** Ends the grant that a code gave; absent when there is none. */
  endRedeemed(principal: Principal, redemption: string, also?: Also<Grant>): Promise<Grant | undefined>
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
  o: {
    readonly issuer: string
    readonly onSurplus?: OnSurplus
    /** Called when notices of ended grants are on disk. */
    readonly onEnded?: () => void
  },
): Grants {
  const { issuer, onSurplus, onEnded = () => undefined } = o
  const end = async (
    { by, also }: { readonly by: EndedBy; readonly also: Also<Grant> | undefined },
    change: (tx: Database) => Promise<GrantRow | undefined>,
  ): Promise<Grant | undefined> => {
    const grant = await store.write(async tx => {
      const row = await change(tx)
      if (row === undefined) return undefined
      const ended = await endGrant(tx, row, { issuer, by, now: now() })
      await also?.(tx, ended)
      return ended
    })
    if (grant !== undefined) onEnded()
    return grant
  }
  const add = grantAdder({ store, now, issuer, onSurplus, onEnded })
  return {
    add,
    ...grantReader(store, now),
    revoke: (principal, refreshToken, also) =>
      end({ by: 'agent', also }, async tx => {
        const refresh_hash = refreshTokenHash(refreshToken)
        const [row] = await deleteGrants(tx, { refresh_hash, ...principalColumns(principal) })
        if (row?.user_sub != null) {
          const key = { ...row, user_sub: row.user_sub, purposes: purposesIn(row.purposes) }
          await forgetConsent(tx, key, parseScope(row.scope))
        }
        return row
      }),
    // A code that is used twice was stolen: the notice goes out at once.
    endRedeemed: (principal, redemption, also) =>
      end({ by: 'urgent', also }, async tx => {
        const [row] = await deleteGrants(tx, { redemption_hash: redemption, ...principalColumns(principal) })
        return row
      }),
  }
}

function grantAdder(writing: GrantWriting): Grants['add'] {
  const { store, now, onEnded } = writing
  const sweep = sweeper(now, tx => sweepGrants(tx, now()))
  const write = grantWriter(writing)
  const newRefreshToken = refreshTokens()
  return async (principal, grant, also) => {
    const token = newRefreshToken()
    const added = { principal, grant, token, now: now() }
    const ended = await store.write(
      async tx => {
        const sweeping = sweep(tx)
        if (sweeping !== undefined) await sweeping
        await also?.(tx)
        return write(tx, added)
      },
      { alone: grantLock(principal, grant.user) },
    )
    if (ended > 0) onEnded?.()
    return token
  }
}

/** The statement that runs at every refresh is prepared once. */
function grantReader(store: Store<Tables>, now: () => number): Pick<Grants, 'find' | 'use' | 'redeemed'> {
  const findByHash = prepared((db: Database, p: Pick<GrantRow, 'refresh_hash'>) =>
    db.selectFrom('auth_server_grants').selectAll().where('refresh_hash', '=', p.refresh_hash),
  )
  const noteUse = useNote()
  return {
    async find(principal, refreshToken) {
      const { rows } = await findByHash(store.db, { refresh_hash: refreshTokenHash(refreshToken) })
      const [row] = rows
      if (row === undefined || row.last_used + refreshTokenLifetime <= now() || !owns(principal, row)) return undefined
      return grantOf(row)
    },

    use(refreshToken, id, also) {
      const refresh_hash = refreshTokenHash(refreshToken)
      return store.write(
        async tx => {
          if (!(await noteUse(tx, { refresh_hash, id, last_used: now() }))) return false
          await also?.(tx)
          return true
        },
        // An agent refreshes one grant from many processes at once: without a lock these would collide until some give up.
        { alone: `use ${refresh_hash}` },
      )
    },

    redeemed(principal, redemption) {
      return store.db
        .selectFrom('auth_server_grants')
        .select(['id', 'txn', 'user_sub', 'created'])
        .where(({ and }) => and({ redemption_hash: redemption, ...principalColumns(principal) }))
        .executeTakeFirst()
    },
  }
}

/** Exchanges based on a grant end with it, and so does the user's consent to them; the resources are told. Resolves with the grant. */
async function endGrant(tx: Database, row: GrantRow, o: GrantEnd): Promise<Grant> {
  const { user_sub, agent, agent_delegate: delegate, resource } = row
  await writeNotices(tx, [row], o)
  if (user_sub !== null) await forgetBegun(tx, user_sub, [beginningName({ iss: o.issuer, agent, delegate, resource })])
  return grantOf(row)
}

/** How an event names a grant. */
// unchecked options {}: only the desk, the console and tests call it, and TypeScript checks them
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
