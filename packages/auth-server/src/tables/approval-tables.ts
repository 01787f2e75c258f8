import type { Migration } from '@countersign/store'

/** A question whether one call may be made, and what became of it. Times are Unix seconds. */
export interface ApprovalRow {
  /** Names the question; no secret. The `grant` of the token that an approval gives. */
  id: string
  /** The one user who may answer. */
  user_sub: string
  /** The user of the grant under which the call is made; NULL for a direct grant, where policy names who answers. */
  holder: string | null
  agent: string
  /** Empty for the agent itself. */
  agent_delegate: string
  /** Thumbprint of the key that asked: no other one gets the token. */
  agent_jkt: string
  resource: string
  /** The name of the operation. */
  operation: string
  digest: string
  /** The resource's description of the operation, as of the question. */
  words: string
  /** 1: the resource says that it is far-reaching. */
  grave: number
  /** JSON: by turns the resource's words and values of the call. Kept for an open question, and in the history of an approval; else NULL. */
  display: string | null
  /** 1: it waits in the user's inbox. */
  inbox: number
  /** 0: the user has no living grant for the caller. Its questions are counted apart, so that a stranger uses up nobody's day. */
  known: number
  status: 'open' | 'approved' | 'refused'
  created: number
  expires: number
  decided: number | null
  /** When its token expires; NULL until that is fetched. */
  exp: number | null
  /** When the yes was ended before that. */
  ended: number | null
}

/** An agent that a user has told to stop asking, at one resource. What they had allowed it there is suspended. */
export interface ApprovalStopRow {
  user_sub: string
  agent: string
  resource: string
  /** Unix seconds. */
  created: number
}

/** A user whose inbox is on. */
export interface InboxRow {
  user_sub: string
  /** Unix seconds. */
  since: number
}

/** The tables of approvals. */
export interface ApprovalTables {
  auth_server_approvals: ApprovalRow
  auth_server_approval_stops: ApprovalStopRow
  auth_server_inboxes: InboxRow
}

export const approvalMigration: Migration = {
  name: '016-approvals',
  async up(db) {
    await createApprovals(db)
    await db.schema
      .createTable('auth_server_approval_stops')
      .addColumn('user_sub', 'text', column => column.notNull())
      .addColumn('agent', 'text', column => column.notNull())
      .addColumn('resource', 'text', column => column.notNull())
      .addColumn('created', 'double precision', column => column.notNull())
      .addPrimaryKeyConstraint('auth_server_approval_stops_pk', ['user_sub', 'agent', 'resource'])
      .execute()
    await db.schema
      .createTable('auth_server_inboxes')
      .addColumn('user_sub', 'text', column => column.primaryKey())
      .addColumn('since', 'double precision', column => column.notNull())
      .execute()
    await db.schema.alterTable('auth_server_requests').addColumn('answer', 'text').execute()
    await db.schema
      .createIndex('auth_server_requests_operation')
      .on('auth_server_requests')
      .column('operation')
      .where('operation', 'is not', null)
      .execute()
  },
}

async function createApprovals(db: Parameters<Migration['up']>[0]): Promise<void> {
  await db.schema
    .createTable('auth_server_approvals')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('user_sub', 'text', column => column.notNull())
    .addColumn('holder', 'text')
    .addColumn('agent', 'text', column => column.notNull())
    .addColumn('agent_delegate', 'text', column => column.notNull())
    .addColumn('agent_jkt', 'text', column => column.notNull())
    .addColumn('resource', 'text', column => column.notNull())
    .addColumn('operation', 'text', column => column.notNull())
    .addColumn('digest', 'text', column => column.notNull())
    .addColumn('words', 'text', column => column.notNull())
    .addColumn('grave', 'integer', column => column.notNull())
    .addColumn('display', 'text')
    .addColumn('inbox', 'integer', column => column.notNull())
    .addColumn('known', 'integer', column => column.notNull())
    .addColumn('status', 'text', column => column.notNull())
    .addColumn('created', 'double precision', column => column.notNull())
    .addColumn('expires', 'double precision', column => column.notNull())
    .addColumn('decided', 'double precision')
    .addColumn('exp', 'double precision')
    .addColumn('ended', 'double precision')
    .execute()
  await db.schema
    .createIndex('auth_server_approvals_user')
    .on('auth_server_approvals')
    .columns(['user_sub', 'created'])
    .execute()
  // For approvals that end with the grants of an agent.
  await db.schema
    .createIndex('auth_server_approvals_agent')
    .on('auth_server_approvals')
    .columns(['agent', 'decided'])
    .execute()
  await db.schema
    .createIndex('auth_server_approvals_status')
    .on('auth_server_approvals')
    .columns(['status', 'created'])
    .execute()
}
