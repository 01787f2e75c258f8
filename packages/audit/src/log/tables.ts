import type { AnyTables, Dialect, Migration } from '@countersign/store'
import type { Kysely } from 'kysely'

/** The names of a room's tables. */
export interface AuditTableNames {
  /** Events that have no place yet, in rows of one append each. */
  readonly waiting: string
  /** Events with their place. */
  readonly events: string
  /** The hashes of the tree. */
  readonly tiles: string
  readonly checkpoints: string
  /** Users to forget at the next sequencing. */
  readonly forgotten: string
}

/** @param room as of the store, such as `auth_server` */
export function tablesOf(room: string): AuditTableNames {
  return {
    waiting: `${room}_audit_waiting`,
    events: `${room}_audit`,
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
      await db.schema
        .createTable(tables.waiting)
        // A bigserial is a sequence: instances that append at once do not wait for each other.
        .addColumn('place', dialect === 'postgres' ? 'bigserial' : 'integer', column => column.primaryKey())
        .addColumn('events', 'text', column => column.notNull())
        .execute()
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
        .addColumn('user_sub', 'text', column => column.primaryKey())
        .execute()
    },
  }
}

async function createEvents(db: Kysely<AnyTables>, tables: AuditTableNames, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable(tables.events)
    // In SQLite the one type that needs no index of its own.
    .addColumn('seq', dialect === 'sqlite' ? 'integer' : 'bigint', column => column.primaryKey())
    .addColumn('id', 'text', column => column.notNull())
    .addColumn('time', 'bigint', column => column.notNull())
    .addColumn('type', 'text', column => column.notNull())
    .addColumn('agent', 'text')
    .addColumn('agent_delegate', 'text')
    .addColumn('user_sub', 'text')
    .addColumn('resource', 'text')
    .addColumn('txn', 'text')
    .addColumn('record', 'text', column => column.notNull())
    .execute()
  // Each index costs as much as the row itself. An id says its time, and is found by that.
  await indexOn(db, tables, 'time').execute()
  // Only where there is something to find.
  for (const column of ['agent', 'agent_delegate', 'user_sub', 'resource', 'txn'])
    await indexOn(db, tables, column).where(column, 'is not', null).execute()
}

function indexOn(db: Kysely<AnyTables>, { events }: AuditTableNames, column: string) {
  return db.schema.createIndex(`${events}_${column}`).on(events).columns([column, 'seq'])
}
