import type { Migration } from '@countersign/store'

/** A link with which one browser becomes that of an admin, once. Times are Unix seconds. */
export interface AdminLinkRow {
  /** SHA-256 of the secret in the link: a thief of the database cannot use it. */
  secret_hash: string
  /** The name of the admin. */
  name: string
  created: number
  expires: number
}

/** A browser of an admin: the public key that it signs with, by its thumbprint. Times are Unix seconds. */
export interface AdminKeyRow {
  thumbprint: string
  /** The name of the admin. */
  name: string
  created: number
  last_used: number
  expires: number
  /** Seconds without use after which it ends. */
  idle: number
}

/** The tables of the admin page. */
export interface AdminTables {
  auth_server_admin_links: AdminLinkRow
  auth_server_admin_keys: AdminKeyRow
}

export const adminMigration: Migration = {
  name: '019-admins',
  async up(db) {
    await db.schema
      .createTable('auth_server_admin_links')
      .addColumn('secret_hash', 'text', column => column.primaryKey())
      .addColumn('name', 'text', column => column.notNull())
      .addColumn('created', 'double precision', column => column.notNull())
      .addColumn('expires', 'double precision', column => column.notNull())
      .execute()
    await db.schema
      .createTable('auth_server_admin_keys')
      .addColumn('thumbprint', 'text', column => column.primaryKey())
      .addColumn('name', 'text', column => column.notNull())
      .addColumn('created', 'double precision', column => column.notNull())
      .addColumn('last_used', 'double precision', column => column.notNull())
      .addColumn('expires', 'double precision', column => column.notNull())
      .addColumn('idle', 'double precision', column => column.notNull())
      .execute()
  },
}
