import { auditMigration } from '@countersign/audit'
import type { Migration } from '@countersign/store'
import { epochMigration, ownKeysMigration } from '@countersign/store/internal'
import { accountMigration } from './account-tables.js'
import { type AdminTables, adminMigration } from './admin-tables.js'
import { type ApprovalTables, approvalMigration } from './approval-tables.js'
import { type BlockTables, blockMigration } from './block-tables.js'
import { conditionsMigration } from './conditions-migration.js'
import { type ExchangeTables, exchangeMigration } from './exchange-tables.js'
import { type LoginTables, loginMigration, userReview } from './login-tables.js'
import { type RevocationTables, revocationMigration } from './revocation-tables.js'
import { sharesMigration } from './shares-migration.js'

/** Names the tables of an auth server in a database. */
export const room = 'auth_server'

/** One grant: what an agent, or one of its delegates, may refresh tokens for. Times are Unix seconds. */
export interface GrantRow {
  /** SHA-256 of the refresh token: a thief of the database cannot use it. */
  refresh_hash: string
  /** Names the grant in events. */
  id: string
  agent: string
  /** Empty for the agent itself: a delegate's id is never empty, and unlike NULL it can be compared. */
  agent_delegate: string
  resource: string
  /** Identity scopes included. */
  scope: string
  purpose: string | null
  created: number
  last_used: number
  /** The user who allowed it; NULL for a direct grant. */
  user_sub: string | null
  /** JSON: the user's claims that the identity scopes stand for, as of the consent. */
  claims: string | null
  /** Hash of the code or device code that gave it: tells a second use from an unknown code. */
  redemption_hash: string | null
  /** The audit id that its tokens carry. */
  txn: string | null
  /** JSON: the words that the user saw when they allowed it, by scope; NULL for a direct grant. */
  words: string | null
  /** JSON: the conditions that its user chose; NULL where there are none. */
  conditions: string | null
  /** Names, space-separated; NULL where there are none. */
  purposes: string | null
  /** 1 where it continues under another name than it began with, else NULL. */
  renamed: number | null
}

/** One request that waits for its user, or whose code waits to be redeemed. Times are Unix seconds. */
export interface RequestRow {
  /** SHA-256 of the request token or device code: a thief of the database cannot redeem it. */
  request_hash: string
  /** Names the request in events. */
  id: string
  agent: string
  /** Empty for the agent itself. */
  agent_delegate: string
  resource: string
  /** As asked, identity scopes included. */
  scope: string
  purpose: string | null
  txn: string | null
  /** Empty in the device flow. */
  redirect_uri: string
  state: string | null
  login_hint: string | null
  /** The network address of the agent. */
  peer: string | null
  /** Device flow only. */
  user_code: string | null
  created: number
  expires: number
  /** The browser that opened it first. */
  browser: string | null
  /**
   * `redeemed` is for exchanges and approvals: their rows stay a while, to tell a second use from an unknown code. `stopped`: the user
   * said no, and that the agent is to stop asking.
   */
  status: 'pending' | 'granted' | 'denied' | 'stopped' | 'redeemed'
  /** The user who decided. */
  user_sub: string | null
  /** What the user allowed. */
  granted_scope: string | null
  claims: string | null
  /** Makes the code, together with the request token. */
  code_secret: string | null
  /** Exchanges only: JSON of the `Upstream` claims. */
  upstream: string | null
  /** The user here who has just proven, in this browser, to be the upstream user. */
  upstream_user: string | null
  /** The site of the agent, by which the table is shared out; NULL in development. */
  site: string | null
  /** JSON: the words that the user saw for what they allowed, by scope. */
  words: string | null
  /** JSON: the conditions that the user chose; NULL where there are none. */
  conditions: string | null
  /** Names, space-separated; NULL where there are none. */
  purposes: string | null
  /** JSON: `delegation` of the agent token that asked, for the page; NULL where there is none. */
  delegation: string | null
  /** The question in `auth_server_approvals`, where the user is asked to approve a single call; NULL where they are asked for access. */
  operation: string | null
  /** `inbox`: the user answers in their account, the agent polls, and no browser opens it. */
  answer: 'inbox' | null
}

/** One scope that a user has allowed to an agent or delegate at a resource, and is not asked about again. */
export interface ConsentRow {
  user_sub: string
  agent: string
  /** Empty for the agent itself. */
  agent_delegate: string
  resource: string
  scope: string
  /** Names the chain of an exchange and the purposes, see `consents.ts`; empty where the agent asks for itself, without purposes. */
  chain: string
  /** Names the grant that the chain began with, so that the consent ends with it; NULL where there is none. */
  beginning: string | null
  /** JSON of the agents of the chain, nearest first; NULL where there is none, or in a row of an earlier version. */
  hops: string | null
  /** The words that the user saw; NULL where the resource had none, or in a row of an earlier version. */
  words: string | null
  /** JSON: the conditions that the user chose; NULL where there are none. */
  conditions: string | null
  /** Names, space-separated; NULL where there are none. */
  purposes: string | null
  created: number
  last_used: number
}

/** How often something limited was done recently, e.g. wrong user codes of a session, or polls of a device that came too soon. Times are Unix seconds. */
export interface CountRow {
  /** SHA-256 of what is counted, and for whom. */
  name: string
  count: number
  last: number
}

/** The tables of an auth server. */
export interface Tables
  extends LoginTables,
    ExchangeTables,
    RevocationTables,
    ApprovalTables,
    BlockTables,
    AdminTables {
  auth_server_grants: GrantRow
  auth_server_requests: RequestRow
  auth_server_consents: ConsentRow
  auth_server_counts: CountRow
}

// Times are doubles: PostgreSQL drivers hand 64-bit integers out as strings.
const grants: Migration = {
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
}

const grantsOfUsers: Migration = {
  name: '003-grants-of-users',
  async up(db) {
    for (const column of ['user_sub', 'claims', 'redemption_hash'])
      await db.schema.alterTable('auth_server_grants').addColumn(column, 'text').execute()
    // Unique: one code never gives two grants, even if a check before fails.
    await db.schema
      .createIndex('auth_server_grants_redemption')
      .unique()
      .on('auth_server_grants')
      .column('redemption_hash')
      .execute()
    // An agent server may have grants of every user: those of one user must be found without reading the others.
    await db.schema
      .createIndex('auth_server_grants_owner')
      .on('auth_server_grants')
      .columns(['agent', 'agent_delegate', 'user_sub', 'last_used'])
      .execute()
    await db.schema.dropIndex('auth_server_grants_principal').execute()
  },
}

const requests: Migration = {
  name: '004-requests',
  async up(db) {
    await db.schema
      .createTable('auth_server_requests')
      .addColumn('request_hash', 'text', column => column.primaryKey())
      .addColumn('id', 'text', column => column.notNull())
      .addColumn('agent', 'text', column => column.notNull())
      .addColumn('agent_delegate', 'text', column => column.notNull())
      .addColumn('resource', 'text', column => column.notNull())
      .addColumn('scope', 'text', column => column.notNull())
      .addColumn('purpose', 'text')
      .addColumn('txn', 'text')
      .addColumn('redirect_uri', 'text', column => column.notNull())
      .addColumn('state', 'text')
      .addColumn('login_hint', 'text')
      .addColumn('peer', 'text')
      .addColumn('user_code', 'text', column => column.unique())
      .addColumn('created', 'double precision', column => column.notNull())
      .addColumn('expires', 'double precision', column => column.notNull())
      .addColumn('browser', 'text')
      .addColumn('status', 'text', column => column.notNull())
      .addColumn('user_sub', 'text')
      .addColumn('granted_scope', 'text')
      .addColumn('claims', 'text')
      .addColumn('code_secret', 'text')
      .execute()
    await db.schema
      .createIndex('auth_server_requests_agent')
      .on('auth_server_requests')
      .columns(['agent', 'agent_delegate', 'expires'])
      .execute()
    await db.schema.createIndex('auth_server_requests_expires').on('auth_server_requests').column('expires').execute()
  },
}

const consents: Migration = {
  name: '005-consents',
  async up(db) {
    await db.schema
      .createTable('auth_server_consents')
      .addColumn('user_sub', 'text', column => column.notNull())
      .addColumn('agent', 'text', column => column.notNull())
      .addColumn('agent_delegate', 'text', column => column.notNull())
      .addColumn('resource', 'text', column => column.notNull())
      .addColumn('scope', 'text', column => column.notNull())
      .addColumn('created', 'double precision', column => column.notNull())
      .addColumn('last_used', 'double precision', column => column.notNull())
      .addPrimaryKeyConstraint('auth_server_consents_pk', ['user_sub', 'agent', 'agent_delegate', 'resource', 'scope'])
      .execute()
    await db.schema
      .createIndex('auth_server_consents_last_used')
      .on('auth_server_consents')
      .column('last_used')
      .execute()
  },
}

const grantsByTxn: Migration = {
  name: '008-grants-by-txn',
  async up(db) {
    await db.schema.alterTable('auth_server_grants').addColumn('txn', 'text').execute()
  },
}

const grantsOfChains: Migration = {
  name: '009-grants-of-chains',
  async up(db) {
    // For exchanges, whose token may name no user known here, while an agent server has grants of every user. Direct grants are not
    // in the index: an agent has a hundred at most, and their inserts are faster without.
    await db.schema
      .createIndex('auth_server_grants_chain')
      .on('auth_server_grants')
      .columns(['agent', 'agent_delegate', 'resource', 'txn', 'user_sub'])
      .where('user_sub', 'is not', null)
      .execute()
  },
}

/** A resource may change its scope descriptions; a user has agreed to those they read. */
const shownWords: Migration = {
  name: '011-shown-words',
  async up(db) {
    for (const table of ['auth_server_requests', 'auth_server_grants', 'auth_server_consents'])
      await db.schema.alterTable(table).addColumn('words', 'text').execute()
  },
}

export const migrations: readonly Migration[] = [
  grants,
  loginMigration,
  grantsOfUsers,
  requests,
  consents,
  userReview,
  exchangeMigration,
  grantsByTxn,
  grantsOfChains,
  sharesMigration,
  shownWords,
  epochMigration('012-epoch', room),
  revocationMigration,
  accountMigration,
  conditionsMigration,
  approvalMigration,
  blockMigration,
  auditMigration('018-audit', room),
  adminMigration,
  ownKeysMigration('020-own-keys', room),
]
