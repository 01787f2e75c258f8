import type { Migration } from '@countersign/store'
import type { HistoryEntry } from './history-entry.js'
import type { PasskeyTables } from './passkey-tables.js'

/** An account at a login provider that signs a user in here. Times are Unix seconds. */
export interface IdentityRow {
  /** What `subject` is unique under. */
  issuer: string
  subject: string
  /** The user here. */
  sub: string
  /** The id of the login method. */
  provider: string
  /** JSON of the claims as of the last sign-in with it. */
  claims: string
  created: number
  last_used: number
}

/** A link that makes an account, or gives one a new passkey, once. Times are Unix seconds. */
export interface InvitationRow {
  /** SHA-256 of the secret in the link: a thief of the database cannot use it. */
  secret_hash: string
  /** `first` is worth something only while there is no user. */
  kind: 'first' | 'account' | 'recovery'
  /** The user whom a recovery is for; empty for a new account. */
  sub: string
  created: number
  expires: number
}

/** A line of a user's sign-in history. Times are Unix seconds. */
export interface HistoryRow {
  id: string
  sub: string
  at: number
  what: HistoryEntry
  /** The name of the passkey or the provider. */
  about: string
  /** The browser and system, as the browser says. */
  browser: string
}

/** The tables of accounts. */
export interface AccountTables extends PasskeyTables {
  auth_server_identities: IdentityRow
  auth_server_invitations: InvitationRow
  auth_server_history: HistoryRow
}

export const accountMigration: Migration = {
  name: '014-accounts',
  async up(db) {
    await db.schema
      .createTable('auth_server_identities')
      .addColumn('issuer', 'text', column => column.notNull())
      .addColumn('subject', 'text', column => column.notNull())
      .addColumn('sub', 'text', column => column.notNull())
      .addColumn('provider', 'text', column => column.notNull())
      .addColumn('claims', 'text', column => column.notNull())
      .addColumn('created', 'double precision', column => column.notNull())
      .addColumn('last_used', 'double precision', column => column.notNull())
      .addPrimaryKeyConstraint('auth_server_identities_pk', ['issuer', 'subject'])
      .execute()
    await db.schema.createIndex('auth_server_identities_sub').on('auth_server_identities').column('sub').execute()
    await createPasskeys(db)
    await createHistory(db)
    // The chain of an exchange, for the page of agents with access: its name is a hash.
    await db.schema.alterTable('auth_server_consents').addColumn('hops', 'text').execute()
    // When the user was last verified in this session, and the browser as the user knows it.
    await db.schema
      .alterTable('auth_server_sessions')
      .addColumn('verified', 'double precision', column => column.notNull().defaultTo(0))
      .execute()
    await db.schema
      .alterTable('auth_server_sessions')
      .addColumn('name', 'text', column => column.notNull().defaultTo(''))
      .execute()
    await db.schema
      .alterTable('auth_server_sessions')
      .addColumn('link', 'text', column => column.notNull().defaultTo(''))
      .execute()
    await indexesOfUsers(db)
  },
}

type Database = Parameters<Migration['up']>[0]

/** A user's rows are looked for when the account is deleted, and when all access is taken back. */
async function indexesOfUsers(db: Database): Promise<void> {
  for (const table of ['auth_server_notices', 'auth_server_exchanged', 'auth_server_requests'] as const)
    await db.schema
      .createIndex(`${table}_user`)
      .on(table)
      .column('user_sub')
      .where('user_sub', 'is not', null)
      .execute()
}

async function createPasskeys(db: Database): Promise<void> {
  await db.schema
    .createTable('auth_server_passkeys')
    .addColumn('credential_id', 'text', column => column.primaryKey())
    .addColumn('sub', 'text', column => column.notNull())
    .addColumn('public_key', 'text', column => column.notNull())
    .addColumn('count', 'double precision', column => column.notNull())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('backed_up', 'integer', column => column.notNull())
    .addColumn('created', 'double precision', column => column.notNull())
    .addColumn('last_used', 'double precision', column => column.notNull())
    .execute()
  await db.schema.createIndex('auth_server_passkeys_sub').on('auth_server_passkeys').column('sub').execute()
  await db.schema
    .createTable('auth_server_invitations')
    .addColumn('secret_hash', 'text', column => column.primaryKey())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('sub', 'text', column => column.notNull())
    .addColumn('created', 'double precision', column => column.notNull())
    .addColumn('expires', 'double precision', column => column.notNull())
    .execute()
  await db.schema
    .createTable('auth_server_used_challenges')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('expires', 'double precision', column => column.notNull())
    .execute()
  await db.schema
    .createIndex('auth_server_used_challenges_expires')
    .on('auth_server_used_challenges')
    .column('expires')
    .execute()
  await db.schema
    .createTable('auth_server_secrets')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('value', 'text', column => column.notNull())
    .execute()
}

async function createHistory(db: Database): Promise<void> {
  await db.schema
    .createTable('auth_server_history')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('sub', 'text', column => column.notNull())
    .addColumn('at', 'double precision', column => column.notNull())
    .addColumn('what', 'text', column => column.notNull())
    .addColumn('about', 'text', column => column.notNull())
    .addColumn('browser', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('auth_server_history_sub').on('auth_server_history').columns(['sub', 'at']).execute()
  await db.schema.createIndex('auth_server_history_at').on('auth_server_history').column('at').execute()
}
