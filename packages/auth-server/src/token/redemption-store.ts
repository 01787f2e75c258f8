import type { Store } from '@countersign/store'
import { grantWriter, type OnSurplus } from '../grant/grant-writer.js'
import { refreshTokens } from '../grant/refresh-token.js'
import type { RequestRow, Tables } from '../tables.js'
import { repeatFor } from './repeats.js'
import type { RedeemedGrant, Redemptions } from './token-context.js'

type Transaction = Store<Tables>['db']

/** Queries over the tables. */
export function redemptionsIn(
  store: Store<Tables>,
  now: () => number,
  onSurplus: OnSurplus = () => undefined,
): Redemptions {
  const write = grantWriter(store, onSurplus)
  const newRefreshToken = refreshTokens()

  async function replace(
    row: RequestRow,
    redeemed: RedeemedGrant,
  ): Promise<{ readonly refresh_token: string } | undefined> {
    const token = newRefreshToken()
    const at = now()
    const isFirst = await write({ ...redeemed, token, words: row.words, now: at }, tx => deleteAllowed(tx, row, at))
    return isFirst ? { refresh_token: token } : undefined
  }

  return {
    async take(row, redeemed) {
      if (redeemed !== undefined) return replace(row, redeemed)
      const at = now()
      return (await store.write(tx => markRedeemed(tx, row, at))) ? {} : undefined
    },
  }
}

/** The row is the right to redeem: of two instances that delete it at once, one finds it gone. */
async function deleteAllowed(tx: Transaction, { request_hash }: RequestRow, now: number): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_requests')
    .where(({ and }) => and({ request_hash, status: 'granted' }))
    .where('expires', '>', now)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** No grant will tell of an exchange's code, so its row stays a while: a code that comes again later has been stolen. */
async function markRedeemed(tx: Transaction, { request_hash }: RequestRow, now: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('auth_server_requests')
    .set({ status: 'redeemed', expires: now + repeatFor })
    .where(({ and }) => and({ request_hash, status: 'granted' }))
    .where('expires', '>', now)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}
