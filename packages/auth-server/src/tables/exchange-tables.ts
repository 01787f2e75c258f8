import type { Migration } from '@countersign/store'

/** A user of another auth server who is a user of this one, as they have proven and confirmed. */
export interface LinkRow {
  /** The other auth server. */
  iss: string
  /** The user's `sub` there. */
  sub: string
  /** The user's `sub` here. */
  user_sub: string
  /** Unix seconds. */
  created: number
}

/** The tables that exchanges need. */
export interface ExchangeTables {
  auth_server_links: LinkRow
}

export const exchangeMigration: Migration = {
  name: '007-exchange',
  async up(db) {
    for (const column of ['upstream', 'upstream_user']) {
      await db.schema.alterTable('auth_server_requests').addColumn(column, 'text').execute()
    }
    await db.schema
      .createTable('auth_server_links')
      .addColumn('iss', 'text', column => column.notNull())
      .addColumn('sub', 'text', column => column.notNull())
      .addColumn('user_sub', 'text', column => column.notNull())
      .addColumn('created', 'double precision', column => column.notNull())
      // One upstream user is linked to one user here: the first who has proven it.
      .addPrimaryKeyConstraint('auth_server_links_pk', ['iss', 'sub'])
      .execute()
    await db.schema.createIndex('auth_server_links_user').on('auth_server_links').column('user_sub').execute()
    await consentsByChain(db)
  },
}

/** SQLite cannot change a primary key: the rows move to a new table. */
async function consentsByChain(db: Parameters<Migration['up']>[0]): Promise<void> {
  const key = ['user_sub', 'agent', 'agent_delegate', 'resource', 'scope'] as const
  const times = ['created', 'last_used'] as const
  await db.schema
    .createTable('auth_server_consents_by_chain')
    .addColumn('user_sub', 'text', column => column.notNull())
    .addColumn('agent', 'text', column => column.notNull())
    .addColumn('agent_delegate', 'text', column => column.notNull())
    .addColumn('resource', 'text', column => column.notNull())
    .addColumn('scope', 'text', column => column.notNull())
    .addColumn('created', 'double precision', column => column.notNull())
    .addColumn('last_used', 'double precision', column => column.notNull())
    .addColumn('chain', 'text', column => column.notNull().defaultTo(''))
    .addColumn('beginning', 'text')
    .addPrimaryKeyConstraint('auth_server_consents_by_chain_pk', [...key, 'chain'])
    .execute()
  await db
    .insertInto('auth_server_consents_by_chain')
    .columns([...key, ...times])
    .expression(db.selectFrom('auth_server_consents').select([...key, ...times]))
    .execute()
  await db.schema.dropTable('auth_server_consents').execute()
  await db.schema.alterTable('auth_server_consents_by_chain').renameTo('auth_server_consents').execute()
  await db.schema.createIndex('auth_server_consents_last_used').on('auth_server_consents').column('last_used').execute()
}
