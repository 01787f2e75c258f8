import type { Transaction } from '@countersign/store/internal'
import { sweepAtMost } from '../bound/sweep.js'
import type { ApprovalRow } from '../tables/approval-tables.js'
import type { Tables } from '../tables/tables.js'

/** Approved calls that are kept of one user, and for how many seconds, as the history of sign-ins. */
const mostLines = 200
const keptFor = 90 * 86_400
/** Seconds for which questions without an approval are kept: they count for the limit of a day. */
const countedFor = 86_400
/** Seconds after which an approval has no living token any more, and its line may go. */
const longestLife = 3600

/** The calls that a user has approved, the latest first. */
export function approvedCalls(db: Transaction<Tables>, sub: string, most: number = mostLines): Promise<ApprovalRow[]> {
  return db
    .selectFrom('auth_server_approvals')
    .selectAll()
    .where('user_sub', '=', sub)
    .where('status', '=', 'approved')
    .orderBy('decided', 'desc')
    .limit(most)
    .execute()
}

/** The questions that wait in a user's inbox, the one that ends first at the top. */
export function inboxOf(db: Transaction<Tables>, sub: string, now: number): Promise<ApprovalRow[]> {
  return db
    .selectFrom('auth_server_approvals')
    .selectAll()
    .where(({ and }) => and({ user_sub: sub, status: 'open', inbox: 1 }))
    .where('expires', '>', now)
    .orderBy('expires')
    .limit(mostLines)
    .execute()
}

/** How many questions wait in a user's inbox. */
export async function countInbox(db: Transaction<Tables>, sub: string, now: number): Promise<number> {
  const { count } = await db
    .selectFrom('auth_server_approvals')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where(({ and }) => and({ user_sub: sub, status: 'open', inbox: 1 }))
    .where('expires', '>', now)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** All that is kept of a user's questions, for their copy of their data. */
export function questionsOf(db: Transaction<Tables>, sub: string): Promise<ApprovalRow[]> {
  return db
    .selectFrom('auth_server_approvals')
    .selectAll()
    .where('user_sub', '=', sub)
    .orderBy('created', 'desc')
    .execute()
}

/** Drops the oldest approved calls of a user beyond {@link mostLines}. */
export async function dropOldest(tx: Transaction<Tables>, sub: string, now: number): Promise<void> {
  const surplus = tx
    .selectFrom('auth_server_approvals')
    .select('id')
    .where('user_sub', '=', sub)
    .where('status', '=', 'approved')
    .orderBy('decided', 'desc')
    .orderBy('id')
    .limit(sweepAtMost)
    .offset(mostLines)
  await tx
    .deleteFrom('auth_server_approvals')
    .where('id', 'in', surplus)
    .where('decided', '<=', now - longestLife)
    .execute()
}

/** Deletes old questions and approved calls, and what was shown of those that nobody answered; a few at a time. Resolves with how many. */
export async function sweepApprovals(tx: Transaction<Tables>, now: number): Promise<number> {
  const unanswered = tx
    .selectFrom('auth_server_approvals')
    .select('id')
    .where('status', '=', 'open')
    .where('expires', '<=', now)
    .where('display', 'is not', null)
    .limit(sweepAtMost)
  const hidden = await tx
    .updateTable('auth_server_approvals')
    .set({ display: null })
    .where('id', 'in', unanswered)
    .executeTakeFirstOrThrow()
  const old = tx
    .selectFrom('auth_server_approvals')
    .select('id')
    .where('created', '<=', now - countedFor)
    .where(({ or, eb }) => or([eb('status', '!=', 'approved'), eb('created', '<=', now - keptFor)]))
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_approvals')
    .where('id', 'in', old)
    .executeTakeFirstOrThrow()
  return Math.max(Number(hidden.numUpdatedRows), Number(numDeletedRows))
}
