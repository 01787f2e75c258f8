import { setTimeout as sleep } from 'node:timers/promises'
import { type QueryExecutorProvider, sql } from 'kysely'
import { StoreError } from './store-error.js'

/** A transaction that may have been committed although nobody said so. */
export interface CommitWatch {
  /** Call when nothing is left to do but to commit; asks nothing where `is` has told. */
  begins(tx: QueryExecutorProvider): Promise<void>
  /** Tells the number of the transaction, where a statement of it has asked along. */
  is(id: string): void
  /**
   * Whether it was committed, read again on another connection; false when it was not.
   * @throws StoreError `unavailable` when the database does not say in time: the outcome stays unknown
   */
  happened(db: QueryExecutorProvider): Promise<boolean>
}

/** Seconds to find out. A connection that broke is mostly back at once; whoever waits would rather know. */
const patience = 3

/**
 * Tells a commit whose answer was lost from one that never was (F-23): a client that is told of a failure tries again, and what
 * it got the first time would live on, known to nobody.
 */
export function commitWatch(): CommitWatch {
  let id: string | undefined
  return {
    is(known) {
      id = known
    },
    async begins(tx) {
      if (id !== undefined) return
      // Text: a transaction's number is beyond what a JavaScript number holds exactly.
      const { rows } = await sql<{ id: string | null }>`select pg_current_xact_id_if_assigned()::text as id`.execute(tx)
      id = rows[0]?.id ?? undefined
    },
    async happened(db) {
      if (id === undefined) return false
      const end = performance.now() + patience * 1000
      for (let pause = 10; ; pause *= 2) {
        const status = await statusOf(db, id).catch(() => undefined)
        if (status === 'committed') return true
        if (status === 'aborted') return false
        if (performance.now() + pause > end)
          throw new StoreError('unavailable', 'whether the last write was committed could not be found out')
        await sleep(pause)
      }
    },
  }
}

async function statusOf(db: QueryExecutorProvider, id: string): Promise<string | undefined> {
  const { rows } = await sql<{ status: string | null }>`select pg_xact_status(${id}::xid8) as status`.execute(db)
  return rows[0]?.status ?? undefined
}
