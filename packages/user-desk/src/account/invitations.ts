import { randomBytes } from 'node:crypto'
import { recordIfUsed } from '@countersign/audit/internal'
import type { AuthServerEvent } from '@countersign/auth-server'
import type { AccountTables, InvitationRow } from '@countersign/auth-server/internal'
import {
  authServerKind,
  isUser,
  migrations,
  room,
  sha256,
  sweepInvitations,
  type Tables,
} from '@countersign/auth-server/internal'
import { checkIdentifier, checkOptions } from '@countersign/protocol/internal'
import { openStore, type Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { newAccountPath } from './paths.js'

/** Seconds that a link is good for. */
const lifetime = 86_400
/** Links that wait for their users. */
const mostWaiting = 10_000

/** How a user is invited. */
export interface InviteOptions {
  /** The issuer of the auth server. */
  readonly issuer: string
  /** Its database; it may be running. */
  readonly database: string
  /** The `sub` of a user who has lost all passkeys: the link adds one to their account. Default: a new account. */
  readonly user?: string
  /**
   * Only while no user has an account: resolves with undefined otherwise. The link replaces an earlier one of this kind.
   * Default false.
   */
  readonly first?: boolean
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /** Unix seconds. */
  readonly now?: () => number
}

/** A link for one user. */
export interface Invitation {
  /** For one person: it makes an account, once. */
  readonly url: string
  /** Unix seconds. */
  readonly expires: number
}

/**
 * Makes a link with which one user makes an account, or adds a passkey to the one they have. It is good once, for a day.
 * @returns undefined for `first` where there is a user already
 * @throws TypeError for an unfit option; RangeError where there is no such user, or 10 000 links wait
 * @example
 * ```ts
 * import { inviteUser } from '@countersign/user-desk'
 *
 * const invitation = await inviteUser({ issuer: 'https://auth.example', database: 'sqlite:auth.db' })
 * console.log(invitation?.url)
 * ```
 */
export async function inviteUser(options: InviteOptions): Promise<Invitation | undefined> {
  checkOptions(
    'inviteUser',
    options,
    {
      issuer: 'string',
      database: 'string',
      user: 'string',
      first: 'boolean',
      development: 'boolean',
      now: 'function',
    },
    ['issuer', 'database'],
  )
  const { issuer, database, user, first = false, development = false, now = () => Date.now() / 1000 } = options
  checkIdentifier('issuer', issuer, { development })
  if (first && user !== undefined) throw new TypeError('first is for a new account: leave user out')
  const store = await openStore<Tables>({ url: database, room, migrations })
  try {
    const record = await recordIfUsed(store, { ...authServerKind, now })
    return await makeInvitation(store, { issuer, sub: user, first, now: now(), record })
  } finally {
    await store.close()
  }
}

/** Records an invitation in the transaction that makes it. */
type InvitationRecorder = (
  tx: Transaction<AccountTables>,
  event: Extract<AuthServerEvent, { type: 'invited' }>,
) => Promise<unknown>

/** Makes a link in a database that is open. @throws RangeError as {@link inviteUser} */
// unchecked options o: only the desk, the console and tests call it, and TypeScript checks them
export async function makeInvitation(
  store: Store<Tables>,
  o: {
    readonly issuer: string
    readonly sub: string | undefined
    readonly first: boolean
    readonly now: number
    readonly record: InvitationRecorder
  },
): Promise<Invitation | undefined> {
  const { issuer, sub = '', first, now } = o
  const secret = randomBytes(32).toString('base64url')
  const kind = first ? 'first' : sub === '' ? 'account' : 'recovery'
  const isMade = await store.write(async tx => {
    await sweepInvitations(tx, now)
    if (first && (await hasUsers(tx))) return false
    if (sub !== '' && !(await isUser(tx, sub))) throw new RangeError('there is no such user')
    if (first) await tx.deleteFrom('auth_server_invitations').where('kind', '=', 'first').execute()
    const { waiting } = await tx
      .selectFrom('auth_server_invitations')
      .select(({ fn }) => fn.countAll<number | string>().as('waiting'))
      .executeTakeFirstOrThrow()
    if (Number(waiting) >= mostWaiting) throw new RangeError('10 000 links wait for their users: each ends after a day')
    const row = { secret_hash: sha256(secret), kind, sub, created: now, expires: now + lifetime } as const
    await tx.insertInto('auth_server_invitations').values(row).execute()
    const user = sub === '' ? {} : { user: sub }
    await o.record(tx, { type: 'invited', kind, ...user })
    return true
  })
  if (!isMade) return undefined
  return { url: `${issuer}${newAccountPath}?invitation=${secret}`, expires: Math.floor(now) + lifetime }
}

async function hasUsers(tx: Store<Tables>['db']): Promise<boolean> {
  return (await tx.selectFrom('auth_server_users').select('sub').limit(1).executeTakeFirst()) !== undefined
}

/** The link with this secret, while it is good. */
export async function findInvitation(
  db: Store<Tables>['db'],
  secret: string,
  now: number,
): Promise<InvitationRow | undefined> {
  const row = await db
    .selectFrom('auth_server_invitations')
    .selectAll()
    .where('secret_hash', '=', sha256(secret))
    .where('expires', '>', now)
    .executeTakeFirst()
  // The first user alone needs no other to be invited.
  return row?.kind === 'first' && (await hasUsers(db)) ? undefined : row
}

/** Uses a link up; false where it was used meanwhile. */
export async function useInvitation(tx: Transaction<AccountTables>, { secret_hash }: InvitationRow): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_invitations')
    .where('secret_hash', '=', secret_hash)
    .executeTakeFirstOrThrow()
  return numDeletedRows === 1n
}
