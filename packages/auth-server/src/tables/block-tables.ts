import type { Migration } from '@countersign/store'

/** Who an operator has blocked. Times are Unix seconds. */
export interface BlockRow {
  kind: 'agent' | 'delegate' | 'site' | 'user'
  /** The agent, for a delegate too; the registrable domain of a site; the `sub` of a user. */
  name: string
  /** Empty except for a delegate. */
  agent_delegate: string
  created: number
}

/** The table of blocks. */
export interface BlockTables {
  auth_server_blocks: BlockRow
}

export const blockMigration: Migration = {
  name: '017-blocks',
  async up(db) {
    await db.schema
      .createTable('auth_server_blocks')
      .addColumn('kind', 'text', column => column.notNull())
      .addColumn('name', 'text', column => column.notNull())
      .addColumn('agent_delegate', 'text', column => column.notNull())
      .addColumn('created', 'double precision', column => column.notNull())
      .addPrimaryKeyConstraint('auth_server_blocks_pk', ['kind', 'name', 'agent_delegate'])
      .execute()
    // An operator names a grant of a user by its id. Direct grants are not in the index: their inserts are faster without.
    await db.schema
      .createIndex('auth_server_grants_id')
      .on('auth_server_grants')
      .columns(['id', 'user_sub'])
      .where('user_sub', 'is not', null)
      .execute()
  },
}
