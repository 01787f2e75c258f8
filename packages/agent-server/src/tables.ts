import { auditMigration } from '@countersign/audit'
import type { Migration } from '@countersign/store'
import { epochMigration, type OwnKeyRow } from '@countersign/store/internal'

/** Names the tables of an agent server in a database. */
export const room = 'agent_server'

/** One delegate: a `sub` and its current key. Times are Unix seconds. */
export interface DelegateRow {
  sub: string
  /** RFC 7638 thumbprint of the delegate's current key. */
  jkt: string
  /** How it last enrolled; empty for one that enrolled before this column existed. */
  enrollment: string
  created: number
  last_seen: number
  revoked: number | null
  /** Thumbprint of the key that the last rotation, enrolment or reinstatement replaced. */
  previous_jkt: string | null
  /** When the last rotation was; null since the last enrolment. */
  rotated: number | null
  /** The operator's name for it; null where there is none. */
  label: string | null
  /** What it may be used for, as JSON; null where there are no conditions. */
  delegation: string | null
  /** When the operator set `delegation` for this delegate, so that an enrolment does not change it; null where its enrolment did. */
  delegation_set: number | null
}

/** One enrolment code, stored as its hash only. Times are Unix seconds. */
export interface EnrollmentCodeRow {
  hash: string
  sub: string
  enrollment: string
  expires: number
  used: number | null
  label: string | null
  /** The delegation of its delegate, as JSON; null where the code names none. */
  delegation: string | null
}

/** One key proof that rotated a key, stored as its hash until it has expired. Times are Unix seconds. */
export interface KeyProofRow {
  hash: string
  expires: number
}

/** One proof that enrolled a delegate, such as an OIDC token, stored as its hash until it ends. Times are Unix seconds. */
export interface UsedProofRow {
  hash: string
  sub: string
  expires: number
}

/** The tables of an agent server. */
export interface Tables {
  agent_server_delegates: DelegateRow
  agent_server_enrollment_codes: EnrollmentCodeRow
  agent_server_key_proofs: KeyProofRow
  agent_server_keys: OwnKeyRow
  agent_server_used_proofs: UsedProofRow
}

// Times are doubles: PostgreSQL drivers hand 64-bit integers out as strings.
export const migrations: readonly Migration[] = [
  {
    name: '001-delegates',
    async up(db) {
      await db.schema
        .createTable('agent_server_delegates')
        .addColumn('sub', 'text', column => column.primaryKey())
        .addColumn('jkt', 'text', column => column.notNull())
        .addColumn('created', 'double precision', column => column.notNull())
        .addColumn('last_seen', 'double precision', column => column.notNull())
        .addColumn('revoked', 'double precision')
        .execute()
      await db.schema
        .createTable('agent_server_enrollment_codes')
        .addColumn('hash', 'text', column => column.primaryKey())
        .addColumn('sub', 'text', column => column.notNull())
        .addColumn('expires', 'double precision', column => column.notNull())
        .addColumn('used', 'double precision')
        .execute()
      await db.schema
        .createIndex('agent_server_enrollment_codes_expires')
        .on('agent_server_enrollment_codes')
        .column('expires')
        .execute()
      await db.schema
        .createIndex('agent_server_enrollment_codes_sub')
        .on('agent_server_enrollment_codes')
        .column('sub')
        .execute()
    },
  },
  {
    name: '002-rotation',
    async up(db) {
      await db.schema.alterTable('agent_server_delegates').addColumn('previous_jkt', 'text').execute()
      await db.schema.alterTable('agent_server_delegates').addColumn('rotated', 'double precision').execute()
      for (const column of ['jkt', 'previous_jkt'])
        await db.schema
          .createIndex(`agent_server_delegates_${column}`)
          .on('agent_server_delegates')
          .column(column)
          .execute()
      await db.schema
        .createTable('agent_server_key_proofs')
        .addColumn('hash', 'text', column => column.primaryKey())
        .addColumn('expires', 'double precision', column => column.notNull())
        .execute()
      await db.schema
        .createIndex('agent_server_key_proofs_expires')
        .on('agent_server_key_proofs')
        .column('expires')
        .execute()
    },
  },
  {
    name: '003-enrollments',
    async up(db) {
      for (const table of ['agent_server_delegates', 'agent_server_enrollment_codes']) {
        await db.schema
          .alterTable(table)
          .addColumn('enrollment', 'text', column => column.notNull().defaultTo(''))
          .execute()
        await db.schema.createIndex(`${table}_enrollment`).on(table).column('enrollment').execute()
      }
      await db.schema
        .createTable('agent_server_used_proofs')
        .addColumn('hash', 'text', column => column.primaryKey())
        .addColumn('sub', 'text', column => column.notNull())
        .addColumn('expires', 'double precision', column => column.notNull())
        .execute()
      for (const column of ['sub', 'expires'])
        await db.schema
          .createIndex(`agent_server_used_proofs_${column}`)
          .on('agent_server_used_proofs')
          .column(column)
          .execute()
    },
  },
  {
    name: '004-own-keys',
    async up(db) {
      await db.schema
        .createTable('agent_server_keys')
        .addColumn('generation', 'integer', column => column.primaryKey())
        .addColumn('kid', 'text', column => column.notNull().unique())
        .addColumn('published', 'double precision', column => column.notNull())
        .addColumn('signs', 'double precision', column => column.notNull())
        .addColumn('public_jwk', 'text', column => column.notNull())
        .addColumn('private_jwk', 'text')
        .addColumn('retired', 'double precision')
        .execute()
    },
  },
  {
    name: '005-enrollment-pages',
    async up(db) {
      // Lists the delegates of one enrolment in order of sub: without this index each page would sort them all.
      await db.schema
        .createIndex('agent_server_delegates_enrollment_sub')
        .on('agent_server_delegates')
        .columns(['enrollment', 'sub'])
        .execute()
      await db.schema.dropIndex('agent_server_delegates_enrollment').execute()
    },
  },
  epochMigration('006-epoch', room),
  {
    name: '007-labels',
    async up(db) {
      for (const table of ['agent_server_delegates', 'agent_server_enrollment_codes'])
        await db.schema.alterTable(table).addColumn('label', 'text').execute()
    },
  },
  {
    name: '008-delegation',
    async up(db) {
      for (const table of ['agent_server_delegates', 'agent_server_enrollment_codes'])
        await db.schema.alterTable(table).addColumn('delegation', 'text').execute()
      await db.schema.alterTable('agent_server_delegates').addColumn('delegation_set', 'double precision').execute()
    },
  },
  auditMigration('009-audit', room),
  {
    name: '010-key-operations',
    async up(db) {
      for (const column of ['given', 'revoked'])
        await db.schema.alterTable('agent_server_keys').addColumn(column, 'double precision').execute()
    },
  },
]
