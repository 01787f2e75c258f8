import type { AdminKeyRow, Tables } from '@countersign/auth-server/internal'
import { sha256 } from '@countersign/auth-server/internal'
import type { Store } from '@countersign/store'
import type { OperatorContext } from './operator-context.js'

/** Seconds between two writes of when a key was used last; less for a key that ends soon. */
const noteEvery = 60

/** What keys are written with. */
type KeyContext = Pick<OperatorContext, 'store' | 'now' | 'report'>

/** How long a browser of an admin stays signed in. */
export interface AdminLives {
  /** Seconds without use. */
  readonly idle: number
  /** Seconds from the sign-in. */
  readonly life: number
}

/** Whether a key is good at a time. */
export function isLive({ last_used, expires, idle }: AdminKeyRow, now: number): boolean {
  return expires > now && last_used + idle > now
}

/** The name of the admin whose browser has this key; undefined where it has none, or no more. Read at each request: who was removed is out at once. */
export async function useAdminKey(store: Store<Tables>, thumbprint: string, now: number): Promise<string | undefined> {
  const row = await store.db
    .selectFrom('auth_server_admin_keys')
    .selectAll()
    .where('thumbprint', '=', thumbprint)
    .executeTakeFirst()
  if (row === undefined || !isLive(row, now)) return undefined
  if (now - row.last_used > Math.min(noteEvery, row.idle / 8))
    await store.write(tx =>
      tx.updateTable('auth_server_admin_keys').set({ last_used: now }).where('thumbprint', '=', thumbprint).execute(),
    )
  return row.name
}

/**
 * Uses a link up, and makes the key that of the admin whom it names. Resolves with the name; undefined where the link is unknown, used
 * or expired.
 */
export async function enrolAdminKey(
  { store, now: clock, report, idle, life }: KeyContext & AdminLives,
  { secret, thumbprint }: { readonly secret: string; readonly thumbprint: string },
): Promise<string | undefined> {
  const now = clock()
  // Looked up first: strangers with wrong links must not take turns of the database's one writer.
  const known = await store.db
    .selectFrom('auth_server_admin_links')
    .select('expires')
    .where('secret_hash', '=', sha256(secret))
    .executeTakeFirst()
  if (known === undefined) return undefined
  return store.write(async tx => {
    // Deleted, not marked: of two browsers that come at once, one finds it.
    const link = await tx
      .deleteFrom('auth_server_admin_links')
      .where('secret_hash', '=', sha256(secret))
      .where('expires', '>', now)
      .returningAll()
      .executeTakeFirst()
    if (link === undefined) return undefined
    const { name } = link
    // A browser that signs in again, maybe under another name, is one browser.
    await tx.deleteFrom('auth_server_admin_keys').where('thumbprint', '=', thumbprint).execute()
    const row = { thumbprint, name, created: now, last_used: now, expires: now + life, idle }
    await tx.insertInto('auth_server_admin_keys').values(row).execute()
    await report.within(tx, { type: 'admin_enrolled', admin: name, key: thumbprint })
    return name
  })
}

/** Signs one browser out; false where it was not signed in. */
export function endAdminKey({ store, report }: KeyContext, thumbprint: string): Promise<boolean> {
  return store.write(async tx => {
    const row = await tx
      .deleteFrom('auth_server_admin_keys')
      .where('thumbprint', '=', thumbprint)
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return false
    await report.within(tx, { type: 'admin_signed_out', admin: row.name, key: thumbprint })
    return true
  })
}
