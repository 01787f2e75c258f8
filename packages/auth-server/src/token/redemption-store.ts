import type { Also } from '@countersign/audit/internal'
import type { Transaction } from '@countersign/store/internal'
import { type GrantWriting, grantLock, grantWriter } from '../grant/grant-writer.js'
import { refreshTokens } from '../grant/refresh-token.js'
import type { StoredRequest } from '../request/read-request.js'
import type { Tables } from '../tables/tables.js'
import { repeatFor } from './repeats.js'
import type { RedeemedApproval, RedeemedGrant, Redemptions } from './token-context.js'

/** Queries over the tables. */
export function redemptionsIn(writing: GrantWriting): Redemptions {
  const { store, now, onEnded } = writing
  const write = grantWriter(writing)
  const newRefreshToken = refreshTokens()

  async function replace(
    row: StoredRequest,
    redeemed: RedeemedGrant,
    also: Also | undefined,
  ): Promise<{ readonly refresh_token: string } | undefined> {
    const token = newRefreshToken()
    const at = now()
    const ended = await store.write(
      async tx => {
        if (!(await deleteAllowed(tx, row, at))) return undefined
        await also?.(tx)
        return write(tx, { ...redeemed, token, words: row.words, now: at })
      },
      { alone: grantLock(redeemed.principal, redeemed.grant.user) },
    )
    if (ended === undefined) return undefined
    if (ended > 0) onEnded?.()
    return { refresh_token: token }
  }

  return {
    async take(row, redeemed, also) {
      if (redeemed !== undefined && 'grant' in redeemed) return replace(row, redeemed, also)
      const at = now()
      const isFirst = await store.write(async tx => {
        if (!(await markRedeemed(tx, row, at))) return false
        if (redeemed !== undefined && !(await noteToken(tx, redeemed))) return false
        await also?.(tx)
        return true
      })
      return isFirst ? {} : undefined
    },
  }
}

/** The row is the right to redeem: of two instances that delete it at once, one finds it gone. */
async function deleteAllowed(tx: Transaction<Tables>, { request_hash }: StoredRequest, now: number): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_requests')
    .where(({ and }) => and({ request_hash, status: 'granted' }))
    .where('expires', '>', now)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** Notes when the token of an approval expires: until then it ends by a notice. False where the approval has ended already. */
async function noteToken(tx: Transaction<Tables>, { approval, exp }: RedeemedApproval): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('auth_server_approvals')
    .set({ exp })
    .where(({ and }) => and({ id: approval, status: 'approved' }))
    .where('ended', 'is', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** No grant will tell of an exchange's code, so its row stays a while: a code that comes again later has been stolen. */
async function markRedeemed(tx: Transaction<Tables>, { request_hash }: StoredRequest, now: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('auth_server_requests')
    .set({ status: 'redeemed', expires: now + repeatFor })
    .where(({ and }) => and({ request_hash, status: 'granted' }))
    .where('expires', '>', now)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}
