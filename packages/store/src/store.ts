import type { Kysely } from 'kysely'

/** The kind of database behind a store. */
export type Dialect = 'sqlite' | 'postgres'

/** Any table with any columns, for migrations: they are older than the program's table types. */
export type AnyTables = Record<string, Record<string, unknown>>

/** One forward step of a room's schema. Once released, it never changes; there is no way back. */
export interface Migration {
  /** Unique in its room and kept forever, for instance `001-grants`. */
  readonly name: string
  /** Makes the change. It runs in one transaction with its record, once per database. */
  up(db: Kysely<AnyTables>, dialect: Dialect): Promise<void>
}

/** The database inside a transaction, as the change of a write gets it. */
export type Transaction<T> = Kysely<T>

/** A database that one room opened and migrated. */
export interface Store<T> {
  readonly dialect: Dialect
  /** Reads of committed rows. Statements that change something are refused here. */
  readonly db: Kysely<T>
  /**
   * Runs `change` in a transaction and resolves when it is durably committed; when `change` throws, it alone is
   * rolled back and the error passed on. Concurrent writes share one commit on SQLite. `change` may run more than
   * once and must await nothing but `tx`, which works only until `change` ends.
   * @throws StoreError `overloaded`, `closed`, `timeout`, `misuse`
   */
  // unchecked options options: only packages of ours call it, and TypeScript checks them
  write<R>(change: (tx: Kysely<T>) => Promise<R>, options?: WriteOptions): Promise<R>
  /** How many writes wait for their commit, or are under way. */
  waiting(): number
  /**
   * Resolves when the database answers and has stored a write of 16 KiB.
   * @throws StoreError `unavailable`, for example when a disk is full
   */
  check(): Promise<void>
  /**
   * Refuses further writes, waits for those under way, and closes. May be called twice. Afterwards a SQLite file that no other process
   * has open contains all data, without its log.
   */
  close(): Promise<void>
}

/** How a write runs with concurrent ones. */
export interface WriteOptions {
  /**
   * Writes with the same lock name in a room run one after another, in all processes, and each sees the commits of those before it.
   * For a change that counts rows and then adds one: without a lock, concurrent ones on PostgreSQL conflict until some give up.
   * Default: writes run concurrently, and one that loses against another runs again.
   */
  readonly alone?: string
}

/** Bounds of a store. */
export interface StoreLimits {
  /** Most writes that share one commit. */
  readonly batch: number
  /** Most writes that wait. */
  readonly capacity: number
  /** Seconds one change may take; on PostgreSQL also each statement, reads included, and each wait of a write for its turn. */
  readonly change: number
  /** Seconds to wait for another process's lock. */
  readonly busy: number
}
