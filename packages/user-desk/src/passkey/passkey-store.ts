import type { PasskeyRow, PasskeyTables } from '@countersign/auth-server/internal'
import type { Transaction } from '@countersign/store/internal'
import { challengeLife, challengeName } from './challenge.js'
import type { NewPasskey } from './passkey-login.js'

/** Passkeys of one user. */
export const mostPasskeys = 20

/** A checked signature of a passkey. */
export interface Assertion {
  readonly row: PasskeyRow
  readonly challenge: string
  readonly count: number
  readonly backedUp: boolean
}

/** A checked new passkey. */
export interface Registration {
  readonly passkey: NewPasskey
  readonly challenge: string
  readonly name: string
}

/** The passkey with this credential id. */
export function findPasskey(db: Transaction<PasskeyTables>, credentialId: string): Promise<PasskeyRow | undefined> {
  return db.selectFrom('auth_server_passkeys').selectAll().where('credential_id', '=', credentialId).executeTakeFirst()
}

/** The passkeys of a user, oldest first. */
export function passkeysOf(db: Transaction<PasskeyTables>, sub: string): Promise<PasskeyRow[]> {
  return db
    .selectFrom('auth_server_passkeys')
    .selectAll()
    .where('sub', '=', sub)
    .orderBy('created')
    .limit(mostPasskeys)
    .execute()
}

/**
 * Notes the use of a passkey.
 * @returns `repeated` for a challenge that was answered before; `copied` where the count did not grow: two authenticators have the
 * passkey, and one of them may be a thief's; `gone` where the user has removed it meanwhile
 */
export async function usePasskey(
  tx: Transaction<PasskeyTables>,
  { row, challenge, count, backedUp }: Assertion,
  now: number,
): Promise<'used' | 'repeated' | 'copied' | 'gone'> {
  if (!(await useChallenge(tx, challenge, now))) return 'repeated'
  const { numUpdatedRows } = await tx
    .updateTable('auth_server_passkeys')
    .set({ count, backed_up: backedUp ? 1 : 0, last_used: now })
    .where('credential_id', '=', row.credential_id)
    // An authenticator that does not count says 0 each time (WebAuthn §6.1.1).
    .where(({ or, and, eb }) => or([eb('count', '<', count), and([eb('count', '=', 0), eb(eb.val(count), '=', 0)])]))
    .executeTakeFirstOrThrow()
  if (numUpdatedRows > 0n) return 'used'
  return (await findPasskey(tx, row.credential_id)) === undefined ? 'gone' : 'copied'
}

/**
 * Stores a new passkey of a user, whom the transaction has locked: see `lockUser`.
 * @returns `taken` where an account has this credential already, `full` for a user with {@link mostPasskeys}
 */
export async function addPasskey(
  tx: Transaction<PasskeyTables>,
  { passkey, challenge, name }: Registration,
  { sub, now }: { readonly sub: string; readonly now: number },
): Promise<'added' | 'repeated' | 'taken' | 'full'> {
  if (!(await useChallenge(tx, challenge, now))) return 'repeated'
  if ((await passkeysOf(tx, sub)).length >= mostPasskeys) return 'full'
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('auth_server_passkeys')
    .values({
      credential_id: passkey.id,
      sub,
      public_key: Buffer.from(passkey.publicKey).toString('base64url'),
      count: passkey.count,
      name,
      backed_up: passkey.backedUp ? 1 : 0,
      created: now,
      last_used: now,
    })
    .onConflict(on => on.column('credential_id').doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n ? 'added' : 'taken'
}

/** Notes that a challenge was answered; false when it was before. Only an accepted answer takes a row, so strangers fill no table. */
async function useChallenge(tx: Transaction<PasskeyTables>, challenge: string, now: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('auth_server_used_challenges')
    .values({ name: challengeName(challenge), expires: now + 2 * challengeLife })
    .onConflict(on => on.column('name').doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n
}
