import type { Transaction } from '@countersign/store/internal'
import { sweepAtMost } from '../bound/sweep.js'
import { goOn } from '../grant/going-on.js'
import type { Stopped } from '../grant/stopped.js'
import { endApprovalsOf } from '../revocation/end-approvals.js'
import { dropWaitingCodes, endExchanged } from '../revocation/end-waiting.js'
import { type EndedGrant, writeNotices } from '../revocation/notices.js'
import type { ApprovalStopRow } from '../tables/approval-tables.js'
import type { Tables } from '../tables/tables.js'

/**
 * Notes that an agent is to stop asking, in the transaction of the no. Its grants rest: they get new names, the resource is told of the
 * old ones, and nothing is given under them until the user changes it. Codes that wait, and other open questions, are refused.
 */
export async function stopAsking(
  tx: Transaction<Tables>,
  stopped: Stopped,
  { issuer, now }: { readonly issuer: string; readonly now: number },
): Promise<void> {
  const columns = { user_sub: stopped.user_sub, agent: stopped.agent, resource: stopped.resource }
  await tx
    .insertInto('auth_server_approval_stops')
    .values({ ...columns, created: now })
    .onConflict(on => on.columns(['user_sub', 'agent', 'resource']).doNothing())
    .execute()
  const resting = await restGrants(tx, columns)
  const exchanged = await endExchanged(tx, columns)
  const approvals = await endApprovalsOf(tx, columns, { now, told: 'stopped' })
  await dropWaitingCodes(tx, columns)
  await writeNotices(tx, [...resting, ...exchanged, ...approvals], { by: 'urgent', issuer, now })
}

/** Grants of the user go on under new names, once they may; those that allow a number of calls in all end. Resolves with the old ones. */
async function restGrants(tx: Transaction<Tables>, columns: Stopped): Promise<EndedGrant[]> {
  const rows = await tx
    .selectFrom('auth_server_grants')
    .select(['refresh_hash', 'id', 'resource', 'agent', 'agent_delegate', 'user_sub', 'conditions'])
    .where(({ and }) => and({ ...columns }))
    .execute()
  for (const row of rows) await goOn(tx, row, {})
  return rows
}

/** The agents that a user has told to stop asking, the latest first. */
export function stopsOf(db: Transaction<Tables>, sub: string): Promise<ApprovalStopRow[]> {
  return db
    .selectFrom('auth_server_approval_stops')
    .selectAll()
    .where('user_sub', '=', sub)
    .orderBy('created', 'desc')
    .limit(sweepAtMost)
    .execute()
}

/** Lets an agent ask again; what it was given goes on. False where it was not told to stop. */
export async function allowAsking(tx: Transaction<Tables>, { user_sub, agent, resource }: Stopped): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_approval_stops')
    .where(({ and }) => and({ user_sub, agent, resource }))
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}
