import { clockTolerance } from '@countersign/protocol/internal'
import type { Transaction } from '@countersign/store/internal'
import type { Tables } from '../tables/tables.js'

/** Seconds from an approval until its token has expired, and its code cannot be redeemed any more. */
const longestLife = 1000
const batch = 200

/** A grant that has ended, or an approval. */
interface Ended {
  readonly id: string
  readonly agent: string
  readonly agent_delegate: string
  readonly resource: string
  readonly user_sub: string | null
}

type LivingApproval = Pick<
  Tables['auth_server_approvals'],
  'id' | 'agent' | 'agent_delegate' | 'resource' | 'user_sub' | 'holder' | 'exp' | 'status'
>

/** What agents are told of their open questions that end: that it was denied, or that they are to stop asking. */
export type ToldOfQuestion = 'denied' | 'stopped'

/**
 * Ends the approvals under grants that end in this transaction: each is for one call of the same agent, delegate, resource and user
 * (REV-30). Open questions end with them: an approval would give a token for that call without the limits of the grant (APR-40).
 * Resolves with the approvals whose token was fetched, as grants to be told of.
 * @see protocol §9.4
 */
export async function endApprovals(
  tx: Transaction<Tables>,
  ended: readonly Ended[],
  now: number,
): Promise<readonly Ended[]> {
  const holders = new Set(ended.map(grant => nameOf({ ...grant, holder: grant.user_sub })))
  const agents = [...new Set(ended.map(({ agent }) => agent))]
  // bound: one call: living approvals of the grants that end
  const found: LivingApproval[] = []
  for (let at = 0; at < agents.length; at += batch) {
    const rows = await living(tx, now)
      .where('agent', 'in', agents.slice(at, at + batch))
      .execute()
    found.push(...rows.filter(row => holders.has(nameOf(row))))
  }
  return endThese(tx, found, { now, told: 'denied' })
}

/** Ends the approvals that a user gave, and the questions that they have not answered, where all given columns fit. */
export async function endApprovalsOf(
  tx: Transaction<Tables>,
  columns: Readonly<Record<string, string>>,
  o: { readonly now: number; readonly told?: ToldOfQuestion },
): Promise<readonly Ended[]> {
  const rows = await living(tx, o.now)
    .where(({ and }) => and(columns))
    .execute()
  return endThese(tx, rows, { told: 'denied', ...o })
}

// What has ended by the clock of this instance may live by that of another (F-83). What it returns is a type of the query builder, which has no short name.
function living(tx: Transaction<Tables>, now: number) {
  return tx
    .selectFrom('auth_server_approvals')
    .select(['id', 'agent', 'agent_delegate', 'resource', 'user_sub', 'holder', 'exp', 'status'])
    .where(({ or, and, eb }) =>
      or([
        and([eb('status', '=', 'approved'), eb('decided', '>', now - longestLife - clockTolerance)]),
        and([eb('status', '=', 'open'), eb('expires', '>', now - clockTolerance)]),
      ]),
    )
    .where('ended', 'is', null)
}

async function endThese(
  tx: Transaction<Tables>,
  rows: readonly LivingApproval[],
  { now, told }: { readonly now: number; readonly told: ToldOfQuestion },
): Promise<readonly Ended[]> {
  const given: LivingApproval[] = []
  for (const row of rows) {
    // Of one that its user has answered meanwhile, the answer ends.
    const isQuestion = row.status === 'open' && (await endQuestion(tx, row, told))
    if (!isQuestion) given.push(row)
  }
  return endGiven(tx, given, now)
}

/**
 * Ends an open question. A user has few of them: their number is bounded. The agent is told when it polls, or when the browser comes.
 * @returns false where it is not open any more
 */
export async function endQuestion(
  tx: Transaction<Tables>,
  { id, user_sub }: Pick<LivingApproval, 'id' | 'user_sub'>,
  status: ToldOfQuestion,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('auth_server_approvals')
    .set({ status: 'refused', display: null })
    .where(({ and }) => and({ id, status: 'open' }))
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) return false
  await tx
    .updateTable('auth_server_requests')
    .set({ status, user_sub })
    .where(({ and }) => and({ operation: id, status: 'pending' }))
    .execute()
  return true
}

async function endGiven(
  tx: Transaction<Tables>,
  rows: readonly LivingApproval[],
  now: number,
): Promise<readonly Ended[]> {
  const ids = rows.map(({ id }) => id)
  // bound: one call: the rows that are given
  const ended: LivingApproval[] = []
  for (let at = 0; at < ids.length; at += batch)
    // As they are now: another transaction may have given a token since the rows were read.
    ended.push(
      ...(await tx
        .updateTable('auth_server_approvals')
        .set({ ended: now })
        .where('id', 'in', ids.slice(at, at + batch))
        .returning(['id', 'agent', 'agent_delegate', 'resource', 'user_sub', 'holder', 'exp', 'status'])
        .execute()),
    )
  // Without a token there is nothing to tell.
  return ended.filter(({ exp }) => exp !== null && exp > now - clockTolerance)
}

function nameOf({
  agent,
  agent_delegate,
  resource,
  holder,
}: Pick<LivingApproval, 'agent' | 'agent_delegate' | 'resource' | 'holder'>): string {
  return JSON.stringify([agent, agent_delegate, resource, holder])
}
