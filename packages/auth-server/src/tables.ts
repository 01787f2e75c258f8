import type { Migration } from '@countersign/store'
import { type LoginTables, loginMigration } from './login/login-tables.js'

/** One grant: what one agent, or one of its delegates, may fetch tokens for. Times are Unix seconds. */
export interface GrantRow {
  /** SHA-256 of the refresh token: a copied database refreshes nothing. */
  refresh_hash: string
  /** Names the grant in events. */
  id: string
  agent: string
  /** Empty for the agent itself: a delegate's id is never empty, and unlike NULL it can be compared. */
  agent_delegate: string
  resource: string
  scope: string
  purpose: string | null
  created: number
  last_used: number
}

/** The tables of an auth server. */
export interface Tables extends LoginTables {
  auth_server_grants: GrantRow
}

// Times are doubles: PostgreSQL drivers hand 64-bit integers out as strings.
export const migrations: readonly Migration[] = [
  {
    name: '001-grants',
    async up(db) {
      await db.schema
        .createTable('auth_server_grants')
        .addColumn('refresh_hash', 'text', column => column.primaryKey())
        .addColumn('id', 'text', column => column.notNull())
        .addColumn('agent', 'text', column => column.notNull())
        .addColumn('agent_delegate', 'text', column => column.notNull())
        .addColumn('resource', 'text', column => column.notNull())
        .addColumn('scope', 'text', column => column.notNull())
        .addColumn('purpose', 'text')
        .addColumn('created', 'double precision', column => column.notNull())
        .addColumn('last_used', 'double precision', column => column.notNull())
        .execute()
      await db.schema
        .createIndex('auth_server_grants_principal')
        .on('auth_server_grants')
        .columns(['agent', 'agent_delegate', 'last_used'])
        .execute()
      await db.schema.createIndex('auth_server_grants_last_used').on('auth_server_grants').column('last_used').execute()
    },
  },
  loginMigration,
]
