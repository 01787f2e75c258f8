import type { Kysely } from 'kysely'
import { type AtCommitItems, doItems } from './at-commit.js'
import { type LibsqlDatabase, sqliteCode } from './libsql-database.js'
import type { StoreLimits } from './store.js'
import type { PendingWrite } from './write-queue.js'
import { runChange } from './write-scope.js'

/** The connection and the functions that a commit needs. */
export interface CommitContext<T> {
  readonly database: LibsqlDatabase
  readonly writer: Kysely<T>
  readonly limits: StoreLimits
  /** Begins the transaction of the batch. */
  begin(): Promise<void>
  /** Resolves when the committed writes are on the disk. */
  sync(): Promise<void>
}

type Batch<T> = ReadonlyArray<PendingWrite<T>>

/** One try of a batch in a transaction. */
interface BatchRun<T> extends Pick<CommitContext<T>, 'database' | 'limits'> {
  /** The connection of the transaction. */
  readonly connection: Kysely<T>
  /** The outcomes that are known: the one of a write that has failed, and those of writes that ran apart. */
  readonly verdicts: Map<PendingWrite<T>, Outcome>
}

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: unknown }

/** Commits a batch with one sync and settles its writes, none of them before it is on the disk. */
export async function commitBatch<T>(batch: Batch<T>, context: CommitContext<T>): Promise<void> {
  let outcomes: readonly Outcome[]
  try {
    outcomes = await outcomesOf(batch, context)
    await context.sync()
  } catch (error) {
    // A deferred constraint of one write fails only at the shared commit; when each runs alone, only that write fails.
    if (batch.length > 1 && sqliteCode(error).startsWith('SQLITE_CONSTRAINT')) {
      for (const write of batch) await commitBatch([write], context)
      return
    }
    for (const write of batch) write.reject(error)
    return
  }
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.ok) batch[index]?.resolve(outcome.value)
    else batch[index]?.reject(outcome.reason)
  }
}

/**
 * Runs the writes of a batch without savepoints, which cost half as much as a write. When one fails, the batch is rolled back: that
 * write has failed, and the others run once more, each in a savepoint.
 */
async function outcomesOf<T>(batch: Batch<T>, context: CommitContext<T>): Promise<readonly Outcome[]> {
  const { database, limits } = context
  // bound: one call
  const verdicts = new Map<PendingWrite<T>, Outcome>()
  try {
    return await inTransaction(context, connection => together(batch, { database, limits, connection, verdicts }))
  } catch (error) {
    if (verdicts.size === 0) throw error
  }
  if (batch.length > 1)
    await inTransaction(context, connection => apart(batch, { database, limits, connection, verdicts }))
  return batch.flatMap(write => verdicts.get(write) ?? [])
}

async function together<T>(batch: Batch<T>, { connection, limits, verdicts }: BatchRun<T>): Promise<Outcome[]> {
  const done: Outcome[] = []
  const left: AtCommitItems = []
  for (const write of batch) {
    try {
      const run = await runChange(connection, write.change, limits.change)
      done.push({ ok: true, value: run.value })
      left.push(...run.left)
    } catch (reason) {
      verdicts.set(write, { ok: false, reason })
      throw reason
    }
  }
  await doItems(connection, left)
  return done
}

async function apart<T>(batch: Batch<T>, run: BatchRun<T>): Promise<void> {
  for (const write of batch) if (!run.verdicts.has(write)) run.verdicts.set(write, await attempt(write, run))
}

async function attempt<T>(write: PendingWrite<T>, { database, connection, limits }: BatchRun<T>): Promise<Outcome> {
  database.run('savepoint one_write')
  let outcome: Outcome
  try {
    const { value, left } = await runChange(connection, write.change, limits.change)
    await doItems(connection, left)
    outcome = { ok: true, value }
  } catch (reason) {
    try {
      database.run('rollback to one_write')
    } catch {
      // SQLite rolled back everything by itself (disk full): the whole batch failed with this error.
      throw reason
    }
    outcome = { ok: false, reason }
  }
  database.run('release one_write')
  return outcome
}

/** Runs `work` on the one connection that writes, and commits all of its writes or none. */
export async function inTransaction<T, R>(
  { database, writer, begin }: Pick<CommitContext<T>, 'database' | 'writer' | 'begin'>,
  work: (connection: Kysely<T>) => Promise<R>,
): Promise<R> {
  return writer.connection().execute(async connection => {
    await begin()
    try {
      const result = await work(connection)
      database.run('commit')
      return result
    } catch (error) {
      rollBack(database)
      throw error
    }
  })
}

/** Rolls back, unless SQLite has already done so by itself (disk full, I/O error). */
function rollBack(database: LibsqlDatabase): void {
  try {
    database.run('rollback')
  } catch {}
}
