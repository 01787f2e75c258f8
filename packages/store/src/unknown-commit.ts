import { setTimeout as sleep } from 'node:timers/promises'
import { type QueryExecutorProvider, sql } from 'kysely'
import { StoreError } from './store-error.js'

/** A transaction whose commit was not confirmed, so that it may or may not have been committed. */
export interface CommitWatch {
  /** Reads the number of the transaction, unless `setId` was called. Call it last before the commit. */
  readId(tx: QueryExecutorProvider): Promise<void>
  /** Sets the number of the transaction, when one of its statements has returned it. */
  setId(id: string): void
  /**
   * Asks on another connection whether the transaction was committed.
   * @throws StoreError `unavailable` when the database does not answer in time: the outcome stays unknown
   */
  wasCommitted(db: QueryExecutorProvider): Promise<boolean>
}

/** Seconds to find out. Most broken connections are back at once. */
const patience = 3

/**
 * Finds out whether a commit without confirmation took place (F-23). If it were reported as failed, the client would try again, and
 * the grant or token of the first try would stay valid without an owner.
 */
export function commitWatch(): CommitWatch {
  let id: string | undefined
  return {
    setId(known) {
      id = known
    },
    async readId(tx) {
      if (id !== undefined) return
      // Text: a transaction's number is beyond what a JavaScript number holds exactly.
      const { rows } = await sql<{ id: string | null }>`select pg_current_xact_id_if_assigned()::text as id`.execute(tx)
      id = rows[0]?.id ?? undefined
    },
    async wasCommitted(db) {
      if (id === undefined) return false
      const end = performance.now() + patience * 1000
      for (let pause = 10; ; pause *= 2) {
        const status = await statusOf(db, id).catch(() => undefined)
        if (status === 'committed') return true
        if (status === 'aborted') return false
        if (performance.now() + pause > end)
          throw new StoreError('unavailable', 'it is unknown whether the last write was committed')
        await sleep(pause)
      }
    },
  }
}

async function statusOf(db: QueryExecutorProvider, id: string): Promise<string | undefined> {
  const { rows } = await sql<{ status: string | null }>`select pg_xact_status(${id}::xid8) as status`.execute(db)
  return rows[0]?.status ?? undefined
}
