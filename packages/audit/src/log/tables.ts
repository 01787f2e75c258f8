import type { AnyTables, Dialect, Migration } from '@countersign/store'
import type { Kysely } from 'kysely'

/** The names of a room's tables. */
export interface AuditTableNames {
  /** The records of events, a line each: a row has those that were appended together. */
  readonly events: string
  /** Rows that have no place yet, with the heads of their events. */
  readonly waiting: string
  /** The places of rows. */
  readonly runs: string
  /** What tiles hold, so that a query passes over those that hold nothing of it. */
  readonly filters: string
  /** The hashes of the tree. */
  readonly tiles: string
  readonly checkpoints: string
  /** Users to forget. */
  readonly forgotten: string
}

/** @param room as of the store, such as `auth_server` */
export function tablesOf(room: string): AuditTableNames {
  return {
    events: `${room}_audit`,
    waiting: `${room}_audit_waiting`,
    runs: `${room}_audit_runs`,
    filters: `${room}_audit_filters`,
    tiles: `${room}_audit_tiles`,
    checkpoints: `${room}_audit_checkpoints`,
    forgotten: `${room}_audit_forgotten`,
  }
}

/**
 * The tables of an audit log, for the list of migrations of the room whose events it keeps.
 * @param name of the migration, unique in the room, such as `017-audit`
 * @param room as the store is opened with, such as `auth_server`
 */
export function auditMigration(name: string, room: string): Migration {
  const tables = tablesOf(room)
  return {
    name,
    async up(db, dialect) {
      await createEvents(db, tables, dialect)
      await db.schema
        .createTable(tables.tiles)
        .addColumn('level', 'integer', column => column.notNull())
        .addColumn('number', 'bigint', column => column.notNull())
        .addColumn('hashes', 'text', column => column.notNull())
        .addPrimaryKeyConstraint(`${tables.tiles}_place`, ['level', 'number'])
        .execute()
      await db.schema
        .createTable(tables.checkpoints)
        .addColumn('size', 'bigint', column => column.primaryKey())
        .addColumn('time', 'bigint', column => column.notNull())
        .addColumn('cosigned', 'integer', column => column.notNull())
        .addColumn('note', 'text', column => column.notNull())
        .execute()
      await db.schema
        .createTable(tables.forgotten)
        .addColumn('user_sub', 'text', column => column.notNull())
        .addColumn('noted', 'bigint', column => column.notNull())
        .addColumn('passed', 'integer', column => column.notNull())
        .execute()
    },
  }
}

async function createEvents(db: Kysely<AnyTables>, tables: AuditTableNames, dialect: Dialect): Promise<void> {
  // In SQLite the one type that needs no index of its own. In PostgreSQL a sequence, so that appends do not wait for each other.
  const [place, next, bytes] =
    dialect === 'sqlite' ? (['integer', 'integer', 'blob'] as const) : (['bigint', 'bigserial', 'bytea'] as const)
  await db.schema
    .createTable(tables.events)
    .addColumn('row_number', next, column => column.primaryKey())
    .addColumn('records', 'text', column => column.notNull())
    .execute()
  await db.schema
    .createTable(tables.waiting)
    .addColumn('row_number', place, column => column.primaryKey())
    .addColumn('heads', bytes, column => column.notNull())
    .execute()
  await db.schema
    .createTable(tables.runs)
    .addColumn('first', place, column => column.primaryKey())
    .addColumn('row_number', place, column => column.notNull())
    .execute()
  await db.schema
    .createTable(tables.filters)
    .addColumn('tile', place, column => column.primaryKey())
    .addColumn('earliest', 'bigint', column => column.notNull())
    .addColumn('latest', 'bigint', column => column.notNull())
    .addColumn('whole', 'bigint')
    .addColumn('bits', bytes)
    .addColumn('gathered', bytes)
    .execute()
}
