import type { Also } from '@countersign/audit/internal'
import { parseScope } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { forgetConsent } from '../grant/consents.js'
import { deleteGrants, deleteGrantsAmong } from '../grant/grant-writer.js'
import { beginningName } from '../mandate/chain.js'
import { purposesIn } from '../mandate/conditions-text.js'
import { endApprovalsOf } from '../revocation/end-approvals.js'
import { dropWaitingCodes, endExchanged, type RowsNamed } from '../revocation/end-waiting.js'
import { writeNotices } from '../revocation/notices.js'
import type { BlockRow } from '../tables/block-tables.js'
import type { GrantRow, Tables } from '../tables/tables.js'

/** Grants that end in one transaction. */
const part = 500
/** Changes of operators run one after another: they read many rows. */
const alone = { alone: 'operator' }

type Database = Store<Tables>['db']

/** What access is ended in. */
export interface EndingContext {
  readonly store: Store<Tables>
  readonly issuer: string
  readonly now: () => number
  /** Called when notices are on disk. */
  readonly onEnded: () => void
}

/**
 * Ends all access that the columns fit, part by part: grants, exchanges, approvals, remembered answers and codes that wait. The resources
 * are told. Resolves with how many grants ended.
 * @param also written in the first transaction
 */
export async function endAccess(columns: RowsNamed, context: EndingContext, also?: Also): Promise<number> {
  const { store, issuer, now, onEnded } = context
  // Codes first: each would open a new grant.
  const first = await store.write(async tx => {
    await also?.(tx)
    await dropWaitingCodes(tx, columns)
    const exchanged = await endExchanged(tx, columns)
    const approvals = await endApprovalsOf(tx, { ...columns }, { now: now() })
    const ended = [...exchanged, ...approvals]
    await writeNotices(tx, ended, { by: 'urgent', issuer, now: now() })
    return ended.length
  }, alone)
  await forgetAnswers(store, columns)
  const grants = await endGrants(columns, context)
  if (first + grants > 0) onEnded()
  return first + grants
}

/** Ends the access of one who is blocked; of a site, that of each of its agents. */
export async function endBlocked(
  { kind, name, agent_delegate }: Pick<BlockRow, 'kind' | 'name' | 'agent_delegate'>,
  context: EndingContext,
): Promise<number> {
  switch (kind) {
    case 'agent':
      return endAccess({ agent: name }, context)
    case 'delegate':
      return endAccess({ agent: name, agent_delegate }, context)
    case 'user':
      await context.store.write(tx => tx.deleteFrom('auth_server_sessions').where('sub', '=', name).execute(), alone)
      return endAccess({ user_sub: name }, context)
    case 'site': {
      let ended = 0
      for (const agent of await agentsOfSite(context.store.db, name)) ended += await endAccess({ agent }, context)
      return ended
    }
  }
}

/** Ends one grant, and what its user is remembered to have allowed by it. Resolves with how many grants ended: 0 or 1. */
export async function endOne(
  id: string,
  { store, issuer, now, onEnded }: EndingContext,
  also?: Also<GrantRow>,
): Promise<number> {
  const found = await findGrant(store.db, id)
  if (found === undefined) return 0
  const ended = await store.write(async tx => {
    const [row] = await deleteGrants(tx, { refresh_hash: found.refresh_hash, id })
    if (row === undefined) return 0
    const { user_sub } = row
    if (user_sub !== null)
      await forgetConsent(tx, { ...row, user_sub, purposes: purposesIn(row.purposes) }, parseScope(row.scope))
    await finish(tx, [row], { issuer, now: now() })
    await also?.(tx, row)
    return 1
  }, alone)
  if (ended > 0) onEnded()
  return ended
}

/** The grant with this name. Those of users are found by an index; direct ones are few, or the table is read. */
export async function findGrant(db: Database, id: string): Promise<GrantRow | undefined> {
  const named = db.selectFrom('auth_server_grants').selectAll().where('id', '=', id)
  return (
    (await named.where('user_sub', 'is not', null).executeTakeFirst()) ??
    (await named.where('user_sub', 'is', null).executeTakeFirst())
  )
}

/** Read outside the transaction, so that only the rows that end are locked. */
async function endGrants(columns: RowsNamed, { store, issuer, now }: EndingContext): Promise<number> {
  let count = 0
  for (let after = ''; ; ) {
    const some = await nextHashes(store.db, columns, after)
    const last = some.at(-1)
    if (last === undefined) return count
    count += await store.write(async tx => {
      const rows = await deleteGrantsAmong(tx, some, columns)
      await finish(tx, rows, { issuer, now: now() })
      return rows.length
    }, alone)
    if (!isIndexed(columns)) after = last
  }
}

/** Whether an index leads to the rows; else the whole table is walked, once, in the order of its key. */
function isIndexed({ agent, user_sub }: RowsNamed): boolean {
  return agent !== undefined || user_sub !== undefined
}

async function nextHashes(db: Database, columns: RowsNamed, after: string): Promise<string[]> {
  const some = db
    .selectFrom('auth_server_grants')
    .select('refresh_hash')
    .where(({ and }) => and({ ...columns }))
    .limit(part)
  const rows = await (isIndexed(columns)
    ? some
    : some.where('refresh_hash', '>', after).orderBy('refresh_hash')
  ).execute()
  return rows.map(({ refresh_hash }) => refresh_hash)
}

async function finish(
  tx: Database,
  rows: readonly GrantRow[],
  { issuer, now }: { readonly issuer: string; readonly now: number },
): Promise<void> {
  const ofUsers = rows.filter(({ user_sub }) => user_sub !== null)
  const subs = new Set(ofUsers.map(({ user_sub }) => user_sub ?? ''))
  const begun = ofUsers.map(({ agent, agent_delegate: delegate, resource }) =>
    beginningName({ iss: issuer, agent, delegate, resource }),
  )
  // Each user with each beginning, in one statement: where there are several users, all grants of such a beginning end.
  if (subs.size > 0)
    await tx
      .deleteFrom('auth_server_consents')
      .where('user_sub', 'in', [...subs])
      .where('beginning', 'in', [...new Set(begun)])
      .execute()
  await writeNotices(tx, rows, { by: 'urgent', issuer, now })
}

/** What users are remembered to have allowed: without asking, it would open new grants. */
async function forgetAnswers(store: Store<Tables>, columns: RowsNamed): Promise<void> {
  const { user_sub } = columns
  const forget = (subs: readonly string[]): Promise<unknown> =>
    store.write(
      tx =>
        tx
          .deleteFrom('auth_server_consents')
          .where('user_sub', 'in', [...subs])
          .where(({ and }) => and({ ...columns }))
          .execute(),
      alone,
    )
  if (user_sub !== undefined) return void (await forget([user_sub]))
  // In the order of the key, user by user: the consents of one are bounded.
  for (let after = ''; ; ) {
    const rows = await store.db
      .selectFrom('auth_server_consents')
      .select('user_sub')
      .distinct()
      .where(({ and }) => and({ ...columns }))
      .where('user_sub', '>', after)
      .orderBy('user_sub')
      .limit(part)
      .execute()
    const last = rows.at(-1)
    if (last === undefined) return
    await forget(rows.map(row => row.user_sub))
    after = last.user_sub
  }
}

/** The agents of a site that have access here, or may get it. The site is checked: it holds no wildcard of `like`. */
export async function agentsOfSite(db: Database, site: string): Promise<string[]> {
  const tables = [
    'auth_server_grants',
    'auth_server_consents',
    'auth_server_requests',
    'auth_server_exchanged',
  ] as const
  const patterns = [`https://%.${site}`, `https://%.${site}:%`, `https://${site}:%`]
  const agents = new Set<string>()
  for (const table of tables) {
    const rows = await db
      .selectFrom(table)
      .select('agent')
      .distinct()
      .where(({ or, eb }) =>
        or([eb('agent', '=', `https://${site}`), ...patterns.map(pattern => eb('agent', 'like', pattern))]),
      )
      .execute()
    for (const { agent } of rows) agents.add(agent)
  }
  return [...agents]
}
