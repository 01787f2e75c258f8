import { setTimeout as sleep } from 'node:timers/promises'
import { type QueryExecutorProvider, type RawBuilder, sql } from 'kysely'
import { StoreError } from './store-error.js'

/** A transaction whose commit was not confirmed, so that it may or may not have been committed. */
export interface CommitWatch {
  /** Reads the number of the transaction, unless `setNumber` was called. Call it last before the commit. */
  readNumber(tx: QueryExecutorProvider): Promise<void>
  /** Sets the number of the transaction, when one of its statements has returned it. */
  setNumber(number: TransactionNumber): void
  /**
   * Asks on another connection whether the transaction was committed.
   * @throws StoreError `unavailable` when the database does not answer in time: the outcome stays unknown
   */
  wasCommitted(db: QueryExecutorProvider): Promise<boolean>
}

/** The number of a transaction, which another one may have on another timeline: one that began with a promotion or a restore. */
export interface TransactionNumber {
  /** Text: it is beyond what a JavaScript number holds exactly. */
  readonly id: string | null
  readonly timeline: string | null
}

/** The timeline of a connection, set once with it by {@link setTimeline}. */
export const timeline: RawBuilder<string | null> = sql`current_setting('countersign.timeline', true)`

/** Sets {@link timeline}. Services that are compatible with PostgreSQL may not tell it. */
export const setTimeline: string =
  "select set_config('countersign.timeline', left(pg_walfile_name(pg_current_wal_lsn()), 8), false)"

/** Seconds to find out. Most broken connections are back at once. */
const patience = 3

/**
 * Finds out whether a commit without confirmation took place (F-23). If it were reported as failed, the client would try again, and
 * the grant or token of the first try would stay valid without an owner.
 */
export function commitWatch(): CommitWatch {
  let number: TransactionNumber | undefined
  return {
    setNumber(known) {
      number = known
    },
    async readNumber(tx) {
      if (number !== undefined) return
      const { rows } = await sql<TransactionNumber>`select
        pg_current_xact_id_if_assigned()::text as id, ${timeline} as timeline`.execute(tx)
      number = rows[0]
    },
    async wasCommitted(db) {
      const id = number?.id ?? undefined
      if (id === undefined) return false
      const end = performance.now() + patience * 1000
      for (let pause = 10; ; pause *= 2) {
        const found = await statusOf(db, id).catch(() => undefined)
        const isOther = found !== undefined && found.timeline !== number?.timeline
        if (!isOther && found?.status === 'committed') return true
        if (!isOther && found?.status === 'aborted') return false
        if (isOther || performance.now() + pause > end)
          throw new StoreError('unavailable', 'it is unknown whether the last write was committed')
        await sleep(pause)
      }
    },
  }
}

interface Status {
  readonly status: string | null
  readonly timeline: string | null
}

async function statusOf(db: QueryExecutorProvider, id: string): Promise<Status | undefined> {
  const { rows } = await sql<Status>`select pg_xact_status(${id}::xid8) as status, ${timeline} as timeline`.execute(db)
  return rows[0]
}
