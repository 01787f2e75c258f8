import { randomUUID } from 'node:crypto'
import { checkOptions, type OptionChecks } from '@countersign/protocol/internal'
import { sql } from 'kysely'
import type { Migration, Store, Transaction } from './store.js'
import { StoreError } from './store-error.js'

/** A mark outside of the database of how far it has come. */
export interface EpochMark {
  /** The name of the database. */
  readonly database: string
  /** Grows with each event that a restore must not undo; about the Unix milliseconds of the last one. */
  readonly epoch: number
}

/** Keeps the mark of a database: beside the keys, and in no backup of the database. */
export interface EpochKeeper {
  /** The mark; undefined when there is none yet. */
  read(): Promise<EpochMark | undefined>
  /** Resolves once the mark is on the disk. */
  write(mark: EpochMark): Promise<void>
}

/** Detects a database that was restored from a backup. */
export interface Epoch {
  /** Records, within a second, an event that a restore must not undo: a code was used, a grant was revoked. */
  touch(): void
  /** Takes over the marks of other instances. */
  see(): Promise<void>
  /** Whether the database was found to be behind its mark since it was opened. */
  isBehind(): boolean
  /** @throws StoreError `restored` once the database was found to be behind its mark */
  check(): void
  /** Resolves when all events are recorded. */
  close(): Promise<void>
}

/** Milliseconds between two marks: many events share one. */
const pause = 1000

type AnyStore = Pick<Store<never>, 'db' | 'write'>

/** The table with the epoch of a room. */
export function epochMigration(name: string, room: string): Migration {
  return {
    name,
    async up(db) {
      await db.schema
        .createTable(tableOf(room))
        .addColumn('id', 'integer', column => column.primaryKey())
        .addColumn('database', 'text', column => column.notNull())
        .addColumn('epoch', 'double precision', column => column.notNull())
        .execute()
    },
  }
}

/** The options for opening or beginning an epoch. */
export interface EpochOptions {
  /** Names the table of the epoch. */
  readonly room: string
  readonly keeper: EpochKeeper
  /** Unix seconds. */
  readonly now: () => number
  /**
   * Called after a missing mark was written anew: the database had an epoch but its keeper had no mark, which was lost or is kept
   * elsewhere. Without the mark a restored database could not be detected.
   */
  readonly onLost?: () => void
}

const checks: OptionChecks<EpochOptions> = { room: 'string', keeper: 'object', now: 'function', onLost: 'function' }
const needed = ['room', 'keeper', 'now'] as const

/**
 * Compares a database with its mark, and then keeps the mark up to date. A database without an epoch and without a mark begins one;
 * a missing mark is written anew, and `onLost` is called.
 * @throws StoreError `restored` when the database is behind its mark, is another one, or is empty while there is a mark
 */
export async function openEpoch<T>(store: Pick<Store<T>, 'db' | 'write'>, o: EpochOptions): Promise<Epoch> {
  checkOptions('openEpoch', o, checks, needed)
  const { room, keeper, now, onLost } = o
  const on = store as unknown as AnyStore
  let known = await keeper.read()
  const isLost = known === undefined && (await rowIn(on.db, room)) !== undefined
  let restored: StoreError | undefined
  let flight: Promise<void> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let isDue = false

  async function step(raise: boolean): Promise<void> {
    const before = known
    const found = raise
      ? await on.write(tx => raised(tx, room, { mark: before, now: now() }), { alone: 'epoch' })
      : await rowIn(on.db, room)
    if (before !== undefined && isBehind(found, before)) throw behind()
    if (found === undefined) return
    known = found
    await keeper.write(found)
  }

  function start(raise: boolean): Promise<void> {
    // An unreachable database is reported by the writes that need it; the next mark makes up for this one.
    flight = step(raise)
      .catch((error: unknown) => {
        if (error instanceof StoreError && error.code === 'restored') restored = error
        else isDue ||= raise
      })
      .then(() => {
        flight = undefined
      })
    return flight
  }

  await step(true)
  if (isLost) onLost?.()
  return {
    touch() {
      isDue = true
      if (timer !== undefined || restored !== undefined) return
      timer = setTimeout(() => {
        timer = undefined
        isDue = false
        void (flight ?? start(true))
      }, pause)
      timer.unref()
    },
    see: () => flight ?? start(false),
    isBehind: () => restored !== undefined,
    check() {
      if (restored !== undefined) throw restored
    },
    async close() {
      clearTimeout(timer)
      await flight
      if (isDue && restored === undefined) await start(true)
    },
  }
}

/**
 * Begins a new epoch after a restore: from now on the database is ahead of every earlier mark, on every instance.
 * The caller must have ended everything that the restore would have revived.
 */
export async function beginEpoch<T>(store: Pick<Store<T>, 'db' | 'write'>, o: EpochOptions): Promise<void> {
  checkOptions('beginEpoch', o, checks, needed)
  const { room, keeper, now, onLost } = o
  const mark = await keeper.read()
  let isLost = false
  const on = store as unknown as AnyStore
  const begun = await on.write(
    async tx => {
      const row = await rowIn(tx, room)
      isLost = mark === undefined && row !== undefined
      const epoch = Math.max((row?.epoch ?? 0) + 1, (mark?.epoch ?? 0) + 1, Math.floor(now() * 1000))
      const next = { database: row?.database ?? randomUUID(), epoch }
      await put(tx, room, next)
      return next
    },
    { alone: 'epoch' },
  )
  await keeper.write(begun)
  if (isLost) onLost?.()
}

/** The row: unchanged when it is behind the mark, else raised. */
async function raised(
  tx: Transaction<never>,
  room: string,
  { mark, now }: { readonly mark: EpochMark | undefined; readonly now: number },
): Promise<EpochMark | undefined> {
  const row = await rowIn(tx, room)
  if (mark !== undefined && isBehind(row, mark)) return row
  const next = {
    database: row?.database ?? randomUUID(),
    epoch: Math.max((row?.epoch ?? 0) + 1, Math.floor(now * 1000)),
  }
  await put(tx, room, next)
  return next
}

function isBehind(row: EpochMark | undefined, mark: EpochMark): boolean {
  return row === undefined || row.database !== mark.database || row.epoch < mark.epoch
}

function behind(): StoreError {
  return new StoreError(
    'restored',
    'the database is behind the epoch kept with the keys, as one that was restored from a backup, is empty, or is another one',
  )
}

async function rowIn(tx: Transaction<never>, room: string): Promise<EpochMark | undefined> {
  const { rows } = await sql<EpochMark>`select database, epoch from ${sql.table(tableOf(room))} where id = 1`.execute(
    tx,
  )
  const [row] = rows
  return row && { database: row.database, epoch: Number(row.epoch) }
}

async function put(tx: Transaction<never>, room: string, { database, epoch }: EpochMark): Promise<void> {
  await sql`insert into ${sql.table(tableOf(room))} (id, database, epoch) values (1, ${database}, ${epoch})
    on conflict (id) do update set epoch = excluded.epoch`.execute(tx)
}

function tableOf(room: string): string {
  return `${room}_epoch`
}
