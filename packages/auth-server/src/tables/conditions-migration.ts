import type { Migration } from '@countersign/store'

/** Conditions and purposes of grants, of what users allowed, and of what waits for them; and the one request that a user is asked to approve. */
export const conditionsMigration: Migration = {
  name: '015-conditions',
  async up(db) {
    for (const table of ['auth_server_grants', 'auth_server_consents', 'auth_server_requests'])
      for (const column of ['conditions', 'purposes'])
        await db.schema.alterTable(table).addColumn(column, 'text').execute()
    await db.schema.alterTable('auth_server_grants').addColumn('renamed', 'integer').execute()
    for (const column of ['delegation', 'operation'])
      await db.schema.alterTable('auth_server_requests').addColumn(column, 'text').execute()
  },
}
