import type { UpstreamAccount } from '@countersign/auth-server'
import type { IdentityRow, LoginTables } from '@countersign/auth-server/internal'
import { claimsOf, earlierSub, lockUser, ownIssuer } from '@countersign/auth-server/internal'
import type { Transaction } from '@countersign/store/internal'
import { passkeysOf } from '../passkey/passkey-store.js'

/** Accounts at providers that one user may link. */
const mostIdentities = 20

/** The accounts at providers that sign a user in, oldest first. */
export function identitiesOf(db: Transaction<LoginTables>, sub: string): Promise<IdentityRow[]> {
  return db
    .selectFrom('auth_server_identities')
    .selectAll()
    .where('sub', '=', sub)
    .orderBy('created')
    .limit(mostIdentities)
    .execute()
}

/**
 * Adds an account at a provider to a user.
 * @returns `known` where it was theirs already, `taken` where it is another user's, `gone` for a user who was deleted
 */
export async function linkIdentity(
  tx: Transaction<LoginTables>,
  { issuer, subject, claims }: UpstreamAccount,
  { sub, now, provider }: { readonly sub: string; readonly now: number; readonly provider: string },
): Promise<'linked' | 'known' | 'taken' | 'gone'> {
  if (!(await lockUser(tx, sub))) return 'gone'
  const earlier = await earlierSub(tx, { issuer, subject })
  if (earlier !== undefined && earlier !== sub) return 'taken'
  if ((await identitiesOf(tx, sub)).length >= mostIdentities) return 'taken'
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('auth_server_identities')
    .values({ issuer, subject, sub, provider, claims: JSON.stringify(claims), created: now, last_used: now })
    .onConflict(on => on.columns(['issuer', 'subject']).doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 1n) return 'linked'
  const owner = await tx
    .selectFrom('auth_server_identities')
    .select('sub')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
  return owner?.sub === sub ? 'known' : 'taken'
}

/** A way to sign in that a user removes. */
export type SignInWay = { readonly passkey: string } | { readonly issuer: string; readonly subject: string }

/**
 * Removes a way to sign in from its user.
 * @param o.methods the ids of the login methods that there are: an account at a provider that is gone signs nobody in
 * @returns its name; `last` where the user could not sign in any more, `unknown` where the user has no such way
 */
export async function removeWay(
  tx: Transaction<LoginTables>,
  way: SignInWay,
  o: { readonly sub: string; readonly methods: ReadonlySet<string> },
): Promise<'last' | 'unknown' | { readonly name: string }> {
  const { sub, methods } = o
  if (!(await lockUser(tx, sub))) return 'unknown'
  const [passkeys, identities] = [await passkeysOf(tx, sub), await identitiesOf(tx, sub)]
  const good = identities.filter(({ provider }) => methods.has(provider))
  const left = good.length + (methods.has('passkey') ? passkeys.length : 0)
  const passkey = 'passkey' in way ? passkeys.find(row => row.credential_id === way.passkey) : undefined
  const identity =
    'passkey' in way
      ? undefined
      : identities.find(({ issuer, subject }) => issuer === way.issuer && subject === way.subject)
  if (passkey === undefined && identity === undefined) return 'unknown'
  const isGood = identity === undefined ? methods.has('passkey') : good.includes(identity)
  if (isGood && left === 1) return 'last'
  if (passkey !== undefined) {
    await tx.deleteFrom('auth_server_passkeys').where('credential_id', '=', passkey.credential_id).execute()
    return { name: passkey.name }
  }
  const { issuer = '', subject = '', provider = '' } = identity ?? {}
  await tx
    .deleteFrom('auth_server_identities')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .where('sub', '=', sub)
    .execute()
  // Otherwise `noteLogin` would take it for an account of an earlier version, and sign its user in again.
  await tx
    .updateTable('auth_server_users')
    .set({ issuer: ownIssuer, subject: sub })
    .where('sub', '=', sub)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .execute()
  await dropClaims(tx, sub, { gone: identity, left: identities.filter(one => one !== identity) })
  return { name: provider }
}

/** Claims that the unlinked account vouched for are not handed on any more: those of another account take their place, or the name alone. */
async function dropClaims(
  tx: Transaction<LoginTables>,
  sub: string,
  { gone, left }: { readonly gone: IdentityRow | undefined; readonly left: readonly IdentityRow[] },
): Promise<void> {
  const [latest] = left.toSorted((a, b) => b.last_used - a.last_used)
  const { name } = claimsOf(gone?.claims ?? '{}')
  const claims = latest?.claims ?? JSON.stringify(name === undefined ? {} : { name })
  await tx.updateTable('auth_server_users').set({ claims }).where('sub', '=', sub).execute()
}
