import type { Store } from '@countersign/store'
import { writeNotices } from '../revocation/notices.js'
import type { Tables } from '../tables/tables.js'
import { type Grant, type Principal, principalIn } from './grant.js'
import { boundedInsert, grantLock } from './grant-limit.js'
import { grantOf, type NewGrant, rowOf } from './grant-row.js'

/** Reports a grant that ends because its owner has too many, in the transaction that ends it. */
export type OnSurplus = (tx: Store<Tables>['db'], principal: Principal, grant: Grant) => Promise<void>

/** Writes a grant if `first`, which runs in the same transaction, agrees. Resolves with what `first` said, once that is on disk. */
export type GrantWriter = (grant: NewGrant, first: (tx: Store<Tables>['db']) => Promise<boolean>) => Promise<boolean>

/** Where grants are written. */
export interface GrantWriting {
  readonly store: Store<Tables>
  readonly now: () => number
  readonly issuer: string
  readonly onSurplus?: OnSurplus | undefined
  /** Called when notices of ended grants are on disk. */
  readonly onEnded?: (() => void) | undefined
}

/** Writes grants of one store, each with the end of those that are too many of its owner: both or neither. */
export function grantWriter({ store, now, issuer, onSurplus, onEnded }: GrantWriting): GrantWriter {
  const insert = boundedInsert()
  return async (added, first) => {
    const { principal, grant } = added
    const lock = grantLock(principal, grant.user)
    const ended = await store.write(
      async tx => {
        if (!(await first(tx))) return undefined
        const surplus = await insert(tx, rowOf(added))
        if (surplus.length === 0) return surplus
        await writeNotices(tx, surplus, { by: 'agent', issuer, now: now() })
        for (const row of surplus) await onSurplus?.(tx, principalIn(row), grantOf(row))
        return surplus
      },
      { alone: lock },
    )
    if (ended !== undefined && ended.length > 0) onEnded?.()
    return ended !== undefined
  }
}
