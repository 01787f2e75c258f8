import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Transaction } from '@countersign/store/internal'
import type { Tables } from '../tables/tables.js'

/** Whether the user has turned the inbox on. */
export async function isInboxOn(db: Transaction<Tables>, sub: string): Promise<boolean> {
  const row = await db.selectFrom('auth_server_inboxes').select('since').where('user_sub', '=', sub).executeTakeFirst()
  return row !== undefined
}

/** Turns the inbox on or off. */
// unchecked options o: only the desk, the console and tests call it, and TypeScript checks them
export async function setInbox(
  tx: Transaction<Tables>,
  sub: string,
  o: { readonly on: boolean; readonly now: number },
): Promise<void> {
  if (!o.on) {
    await tx.deleteFrom('auth_server_inboxes').where('user_sub', '=', sub).execute()
    return
  }
  await tx
    .insertInto('auth_server_inboxes')
    .values({ user_sub: sub, since: o.now })
    .onConflict(on => on.column('user_sub').doNothing())
    .execute()
}

/** One text for whatever lacks: a caller must not learn which users there are, what they have allowed and whom they hear (APR-11). */
export function inboxRefusal(): AAuthError {
  return refusal('inbox_unavailable')
}
