import { type Conditions, narrow } from '@countersign/conditions'
import type { Transaction } from '@countersign/store/internal'
import { goOn } from '../grant/going-on.js'
import { conditionsIn, conditionsText } from '../mandate/conditions-text.js'
import { dropWaitingCodes, endExchanged } from '../revocation/end-waiting.js'
import { type EndedGrant, writeNotices } from '../revocation/notices.js'
import type { Tables } from '../tables/tables.js'

/** Which access a user narrows: that of an agent, or of one of its delegates, at a resource. */
export interface NarrowedAccess {
  readonly agent: string
  /** Empty: the agent itself. */
  readonly delegate: string
  readonly resource: string
}

/**
 * Adds conditions to what a user has allowed. Grants go on under new names, since tokens of the old ones lack the conditions: their
 * resources are told. Those that allow a number of calls in all end. Nothing is ever taken away.
 * @returns how many grants
 * @throws AAuthError `access_denied` where all together would be more than a token carries
 * @see protocol §6.6
 */
export async function narrowAccess(
  tx: Transaction<Tables>,
  sub: string,
  o: {
    readonly what: NarrowedAccess
    readonly added: Conditions
    readonly issuer: string
    readonly now: () => number
  },
): Promise<number> {
  const { agent, delegate, resource } = o.what
  // Always of this user: another user's rows are never among them (ACC-10).
  const columns = { user_sub: sub, agent, agent_delegate: delegate, resource }
  const ended = await narrowGrants(tx, columns, o.added)
  await narrowConsents(tx, columns, o.added)
  const exchanged = await endExchanged(tx, columns)
  // A code that waits for its agent would open a grant without them.
  await dropWaitingCodes(tx, columns)
  await writeNotices(tx, [...ended, ...exchanged], { by: 'urgent', issuer: o.issuer, now: o.now() })
  return ended.length + exchanged.length
}

type Columns = Readonly<Record<'user_sub' | 'agent' | 'agent_delegate' | 'resource', string>>

function withAdded(text: string | null, added: Conditions): Conditions {
  return narrow([conditionsIn(text) ?? [], added])
}

async function narrowGrants(tx: Transaction<Tables>, columns: Columns, added: Conditions): Promise<EndedGrant[]> {
  const rows = await tx
    .selectFrom('auth_server_grants')
    .selectAll()
    .where(({ and }) => and(columns))
    .execute()
  for (const row of rows) await goOn(tx, row, { conditions: withAdded(row.conditions, added) })
  return rows
}

async function narrowConsents(tx: Transaction<Tables>, columns: Columns, added: Conditions): Promise<void> {
  const rows = await tx
    .selectFrom('auth_server_consents')
    .select(['scope', 'chain', 'conditions'])
    .where(({ and }) => and(columns))
    .execute()
  for (const { scope, chain, conditions } of rows)
    await tx
      .updateTable('auth_server_consents')
      .set({ conditions: conditionsText(withAdded(conditions, added)) })
      .where(({ and }) => and({ ...columns, scope, chain }))
      .execute()
}
