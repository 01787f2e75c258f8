import type { Transaction } from '@countersign/store/internal'
import type { Tables } from '../tables/tables.js'
import type { EndedGrant } from './notices.js'

/** Which rows: by what is named of user, agent, delegate and resource. */
export type RowsNamed = Readonly<Partial<Record<'user_sub' | 'agent' | 'agent_delegate' | 'resource', string>>>

/** Which rows of one user. */
export type RowsOfUser = RowsNamed & Readonly<Record<'user_sub', string>>

/** Ends the exchanges of these rows, e.g. those that a user agreed to here. Resolves with the grants that their resources are to be told of. */
export async function endExchanged(tx: Transaction<Tables>, columns: RowsNamed): Promise<EndedGrant[]> {
  const rows = await tx
    .deleteFrom('auth_server_exchanged')
    .where(({ and }) => and({ ...columns }))
    .returningAll()
    .execute()
  return rows.map(({ name, ...row }) => ({ ...row, id: name }))
}

/** Drops codes that wait for their agent: each would open a new grant (ACC-09). */
export async function dropWaitingCodes(tx: Transaction<Tables>, columns: RowsNamed): Promise<void> {
  await tx
    .deleteFrom('auth_server_requests')
    .where(({ and }) => and({ ...columns, status: 'granted' }))
    .execute()
}
