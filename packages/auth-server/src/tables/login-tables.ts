import type { Migration } from '@countersign/store'
import type { AccountTables } from './account-tables.js'

/** A user who has signed in once. Times are Unix seconds. */
export interface UserRow {
  /** Random, the same for all audiences. */
  sub: string
  /** The account at a provider that the user first signed in with, for earlier versions; see `auth_server_identities`. */
  issuer: string
  subject: string
  /** JSON of their claims as of the last login. */
  claims: string
  created: number
  last_login: number
  /** When to check whether this row is still needed. */
  review: number
}

/** A browser that a user signed in with. */
export interface SessionRow {
  /** SHA-256 of the cookie: a thief of the database cannot sign in with it. */
  secret_hash: string
  /** The browser's name; the cookie is worth nothing in another. */
  browser: string
  sub: string
  /** The login method. */
  provider: string
  created: number
  last_used: number
  /** When the user was last verified in it; see `isFresh`. */
  verified: number
  /** The browser and system, as the browser says. */
  name: string
  /** Hash of the state of a link to an account at a provider that the user began in this session; empty for none. */
  link: string
}

/** The tables that signing in needs. */
export interface LoginTables extends AccountTables {
  auth_server_users: UserRow
  auth_server_sessions: SessionRow
}

/** Seconds for which a user who does not sign in is kept; see {@link sweepUsers}. */
export const unseenAtMost: number = 400 * 86_400

export const loginMigration: Migration = {
  name: '002-login',
  async up(db) {
    await db.schema
      .createTable('auth_server_users')
      .addColumn('sub', 'text', column => column.primaryKey())
      .addColumn('issuer', 'text', column => column.notNull())
      .addColumn('subject', 'text', column => column.notNull())
      .addColumn('claims', 'text', column => column.notNull())
      .addColumn('created', 'double precision', column => column.notNull())
      .addColumn('last_login', 'double precision', column => column.notNull())
      .addUniqueConstraint('auth_server_users_account', ['issuer', 'subject'])
      .execute()
    await db.schema
      .createTable('auth_server_sessions')
      .addColumn('secret_hash', 'text', column => column.primaryKey())
      .addColumn('browser', 'text', column => column.notNull())
      .addColumn('sub', 'text', column => column.notNull())
      .addColumn('provider', 'text', column => column.notNull())
      .addColumn('created', 'double precision', column => column.notNull())
      .addColumn('last_used', 'double precision', column => column.notNull())
      .execute()
    await db.schema
      .createIndex('auth_server_sessions_sub')
      .on('auth_server_sessions')
      .columns(['sub', 'last_used'])
      .execute()
    await db.schema
      .createIndex('auth_server_sessions_last_used')
      .on('auth_server_sessions')
      .column('last_used')
      .execute()
    await db.schema.createIndex('auth_server_sessions_created').on('auth_server_sessions').column('created').execute()
  },
}

/** Users are deleted some day: see `sweepUsers`. */
export const userReview: Migration = {
  name: '006-user-review',
  async up(db) {
    await db.schema
      .alterTable('auth_server_users')
      .addColumn('review', 'double precision', column => column.notNull().defaultTo(0))
      .execute()
    await db
      .updateTable('auth_server_users')
      .set(({ eb }) => ({ review: eb('last_login', '+', unseenAtMost) }))
      .execute()
    await db.schema.createIndex('auth_server_users_review').on('auth_server_users').column('review').execute()
    // Only grants of users are in the index: the many grants by policy have none.
    await db.schema
      .createIndex('auth_server_grants_user')
      .on('auth_server_grants')
      .column('user_sub')
      .where('user_sub', 'is not', null)
      .execute()
  },
}
