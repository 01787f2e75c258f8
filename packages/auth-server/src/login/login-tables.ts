import type { Migration } from '@countersign/store'

/** Somebody who has signed in once. Times are Unix seconds. */
export interface UserRow {
  /** Our own name for them, random, the same for all audiences. */
  sub: string
  /** Who vouches for `subject`. */
  issuer: string
  subject: string
  /** JSON of their claims as of the last login. */
  claims: string
  created: number
  last_login: number
}

/** A browser that somebody signed in with. */
export interface SessionRow {
  /** SHA-256 of the cookie: a copied database signs nobody in. */
  secret_hash: string
  /** The browser's name; the cookie is worth nothing in another. */
  browser: string
  sub: string
  /** Which way they signed in. */
  provider: string
  created: number
  last_used: number
}

/** The tables that signing in needs. */
export interface LoginTables {
  auth_server_users: UserRow
  auth_server_sessions: SessionRow
}

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
