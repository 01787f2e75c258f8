import type { Migration } from '@countersign/store'

/** A notice that a grant has ended, for the resource that its tokens are for. Times are Unix seconds. */
export interface NoticeRow {
  id: string
  /** `grant` of the tokens. */
  grant_name: string
  resource: string
  /** The site of the resource, by which deliveries are shared out. */
  site: string
  /** When the last token of the grant has expired. */
  exp: number
  /** 0: a user, an operator or an alarm ended the grant. 1: its agent did, by giving it back or by having too many. */
  urgency: number
  /** Whose grant it was. */
  agent: string
  agent_delegate: string
  /** The user who had allowed it; NULL for a direct grant. */
  user_sub: string | null
  created: number
  /** When it is delivered next. */
  due: number
  /** How often its delivery has failed in a row. */
  failures: number
  /** Status of the last answer; NULL where there was none. */
  status: number | null
  /** `waiting`, `told` or `no_endpoint`: then the tokens end by themselves. */
  outcome: string
  /** When the outcome was reached. */
  ended: number | null
}

/** A grant that came of another one by exchange. It has no refresh token: it lives as long as the tokens of that one. */
export interface ExchangedRow {
  /** `grant` of its tokens. */
  name: string
  /** Issuer and `grant` of the upstream token. */
  upstream: string
  /** The grant of this server that the chain began with; NULL where another issuer gave that. */
  root: string | null
  agent: string
  agent_delegate: string
  resource: string
  /** The user here that the exchange was for. */
  user_sub: string | null
  /** When its last token expires, Unix seconds. */
  exp: number
}

/** The tables of revocation. */
export interface RevocationTables {
  auth_server_notices: NoticeRow
  auth_server_exchanged: ExchangedRow
}

export const revocationMigration: Migration = {
  name: '013-revocation',
  async up(db) {
    await db.schema
      .createTable('auth_server_notices')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('grant_name', 'text', column => column.notNull())
      .addColumn('resource', 'text', column => column.notNull())
      .addColumn('site', 'text', column => column.notNull())
      .addColumn('exp', 'double precision', column => column.notNull())
      .addColumn('urgency', 'integer', column => column.notNull())
      .addColumn('agent', 'text', column => column.notNull())
      .addColumn('agent_delegate', 'text', column => column.notNull())
      .addColumn('user_sub', 'text')
      .addColumn('created', 'double precision', column => column.notNull())
      .addColumn('due', 'double precision', column => column.notNull())
      .addColumn('failures', 'integer', column => column.notNull())
      .addColumn('status', 'integer')
      .addColumn('outcome', 'text', column => column.notNull())
      .addColumn('ended', 'double precision')
      .execute()
    await db.schema
      .createIndex('auth_server_notices_due')
      .on('auth_server_notices')
      .columns(['outcome', 'urgency', 'due'])
      .execute()
    // For the limit of each agent.
    await db.schema
      .createIndex('auth_server_notices_agent')
      .on('auth_server_notices')
      .columns(['agent', 'urgency', 'due'])
      .execute()
    await db.schema.createIndex('auth_server_notices_exp').on('auth_server_notices').column('exp').execute()
    await makeExchanged(db)
  },
}

async function makeExchanged(db: Parameters<Migration['up']>[0]): Promise<void> {
  await db.schema
    .createTable('auth_server_exchanged')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('upstream', 'text', column => column.notNull())
    .addColumn('root', 'text')
    .addColumn('agent', 'text', column => column.notNull())
    .addColumn('agent_delegate', 'text', column => column.notNull())
    .addColumn('resource', 'text', column => column.notNull())
    .addColumn('user_sub', 'text')
    .addColumn('exp', 'double precision', column => column.notNull())
    .addUniqueConstraint('auth_server_exchanged_key', ['upstream', 'agent', 'agent_delegate', 'resource'])
    .execute()
  await db.schema.createIndex('auth_server_exchanged_root').on('auth_server_exchanged').column('root').execute()
  await db.schema.createIndex('auth_server_exchanged_exp').on('auth_server_exchanged').column('exp').execute()
}
