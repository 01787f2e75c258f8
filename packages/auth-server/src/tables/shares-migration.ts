import type { Migration } from '@countersign/store'

/** Counts that hold across instances, and the site whose share of the waiting requests one takes. */
export const sharesMigration: Migration = {
  name: '010-shares',
  async up(db) {
    await db.schema
      .createTable('auth_server_counts')
      .addColumn('name', 'text', column => column.primaryKey())
      .addColumn('count', 'integer', column => column.notNull())
      .addColumn('last', 'double precision', column => column.notNull())
      .execute()
    await db.schema.createIndex('auth_server_counts_last').on('auth_server_counts').column('last').execute()
    await db.schema.alterTable('auth_server_requests').addColumn('site', 'text').execute()
    await db.schema
      .createIndex('auth_server_requests_site')
      .on('auth_server_requests')
      .columns(['site', 'expires'])
      .execute()
  },
}
