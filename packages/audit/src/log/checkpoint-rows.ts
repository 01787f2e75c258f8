import { type Kysely, sql } from 'kysely'
import type { AuditTableNames } from './tables.js'

/** A signed checkpoint as it is stored. */
export interface CheckpointRow {
  readonly size: number
  /** When it was signed, Unix seconds. No part of what is signed. */
  readonly time: number
  readonly note: string
}

/** The newest checkpoint; undefined before the first. */
export async function newestCheckpoint(
  db: Kysely<unknown>,
  { checkpoints }: AuditTableNames,
): Promise<CheckpointRow | undefined> {
  const { rows } = await sql<CheckpointRow>`
    select size, time, note from ${sql.table(checkpoints)} order by size desc limit 1`.execute(db)
  return rows[0]
}

/** The size of the newest checkpoint that a witness has cosigned; 0 where there is none. */
export async function cosignedSize(db: Kysely<unknown>, { checkpoints }: AuditTableNames): Promise<number> {
  const { rows } = await sql<{ size: number }>`
    select size from ${sql.table(checkpoints)} where cosigned = 1 order by size desc limit 1`.execute(db)
  return rows[0]?.size ?? 0
}

/** Checkpoints after a size, in order. */
export async function checkpointsAfter(
  db: Kysely<unknown>,
  { checkpoints }: AuditTableNames,
  { after, upTo, most }: { readonly after: number; readonly upTo: number; readonly most: number },
): Promise<readonly CheckpointRow[]> {
  const { rows } = await sql<CheckpointRow>`select size, time, note from ${sql.table(checkpoints)}
    where size > ${after} and size <= ${upTo} order by size limit ${most}`.execute(db)
  return rows
}

/** Keeps a checkpoint. Another instance may have signed the same one: one of them stays. */
export async function keepCheckpoint(
  tx: Kysely<unknown>,
  { checkpoints }: AuditTableNames,
  { size, time, note }: CheckpointRow,
): Promise<void> {
  await sql`insert into ${sql.table(checkpoints)} (size, time, cosigned, note) values (${size}, ${time}, 0, ${note})
    on conflict (size) do nothing`.execute(tx)
}

/** Adds the line of a witness to a checkpoint. */
export async function keepCosignature(
  tx: Kysely<unknown>,
  { checkpoints }: AuditTableNames,
  { size, line }: { readonly size: number; readonly line: string },
): Promise<void> {
  await sql`update ${sql.table(checkpoints)} set cosigned = 1, note = note || ${line}
    where size = ${size} and cosigned = 0`.execute(tx)
}
