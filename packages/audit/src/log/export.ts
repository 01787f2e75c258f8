import { type FileHandle, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Store } from '@countersign/store'
import { sql } from 'kysely'
import { AuditError } from '../audit-error.js'
import { exportFiles } from '../check/export-files.js'
import { forgottenEvent, readRecord, recordOf } from '../event/leaf.js'
import { hashBytes } from '../tree/hash.js'
import { hashesAt, levelsOf, tilePath, tileWidth, widthOf } from '../tree/tile.js'
import { type CheckpointRow, checkpointsAfter, newestCheckpoint } from './checkpoint-rows.js'
import { changedRecord, recordsOf, runsOf } from './event-rows.js'
import type { AuditTableNames } from './tables.js'
import { tileReader } from './tile-rows.js'

/** How to export a log. */
export interface AuditExport {
  /** `without` leaves out personal values: what is exported then can be given away, and verified all the same. */
  readonly personal: 'with' | 'without'
}

/** What was exported. */
export interface Exported {
  /** Leaves of the log at its newest checkpoint. */
  readonly size: number
  /** Events in the export: all that the database has up to that checkpoint. */
  readonly events: number
  readonly checkpoints: number
}

interface Source {
  readonly store: Pick<Store<unknown>, 'db'>
  readonly tables: AuditTableNames
}

/** Checkpoints that are read at once. */
const page = 1000

/**
 * Writes the log up to its newest checkpoint into a new folder that only the owner may read. Memory: one tile.
 * @throws AuditError `not-empty`, `not-signed`
 */
export async function exportLog(source: Source, folder: string, { personal }: AuditExport): Promise<Exported> {
  const newest = await newestCheckpoint(source.store.db, source.tables)
  if (newest === undefined) throw new AuditError('not-signed', 'there is no checkpoint yet')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length > 0) throw new AuditError('not-empty', 'the folder of the export is not empty')
  await writeNew(join(folder, exportFiles.checkpoint), newest.note)
  await writeTileFiles(source, folder, newest.size)
  const events = await into(join(folder, exportFiles.events), file =>
    writeEvents(source, { folder, file, personal, newest }),
  )
  const checkpoints = await into(join(folder, exportFiles.checkpoints), file => writeCheckpoints(source, file, newest))
  return { size: newest.size, events, checkpoints }
}

async function writeNew(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFile(path, content, { mode: 0o600, flag: 'wx' })
}

async function into(path: string, write: (file: FileHandle) => Promise<number>): Promise<number> {
  const file = await open(path, 'ax', 0o600)
  try {
    return await write(file)
  } finally {
    await file.close()
  }
}

async function writeTileFiles({ store, tables }: Source, folder: string, size: number): Promise<void> {
  const read = tileReader(store.db, tables)
  for (const level of levelsOf(size)) {
    for (let number = 0; number * tileWidth < hashesAt(level, size); number++) {
      const width = widthOf(level, number, size)
      // The tree may have grown since the checkpoint was read.
      const tile = (await read(level, number)).subarray(0, width * hashBytes)
      await writeNew(join(folder, tilePath({ level, number, width })), tile)
    }
  }
}

interface EventFiles {
  readonly folder: string
  readonly file: FileHandle
  readonly personal: AuditExport['personal']
  readonly newest: CheckpointRow
}

/** Writes events as JSON lines, and the leaves of each tile as a bundle. */
async function writeEvents({ store, tables }: Source, { folder, file, personal, newest }: EventFiles): Promise<number> {
  let written = 0
  for (let number = 0; number * tileWidth < newest.size; number++) {
    const width = widthOf(0, number, newest.size)
    const end = number * tileWidth + width
    const placed = recordsOf(await runsOf(store.db, tables, number))
      // The log may have grown since the checkpoint was read.
      .filter(({ index }) => width === tileWidth || index < end)
    if (placed.length === 0) {
      // The retention goes on meanwhile. What is missing otherwise was removed by somebody, and has to show.
      if (written > 0 && (await firstPlace(store.db, tables)) >= end) {
        await dropTiles(folder, { to: number, size: newest.size })
        await file.truncate(0)
        written = 0
      }
      continue
    }
    const kept = placed.map(({ index, record }) => ({ index, ...shownRecord(record, personal) }))
    await file.appendFile(kept.map(({ index, record }) => `{"index":${index},${record.slice(1)}\n`).join(''))
    await writeNew(join(folder, tilePath({ level: 'entries', number, width })), bundleOf(kept.map(({ leaf }) => leaf)))
    written += placed.length
  }
  return written
}

/** The first place that has its event still. */
async function firstPlace(db: Source['store']['db'], { runs }: AuditTableNames): Promise<number> {
  const { rows } = await sql<{ first: number | null }>`select min(first) as first from ${sql.table(runs)}`.execute(db)
  return rows[0]?.first ?? Number.POSITIVE_INFINITY
}

/** Removes the bundles before a tile. */
async function dropTiles(folder: string, { to, size }: { readonly to: number; readonly size: number }): Promise<void> {
  for (let number = 0; number < to; number++) {
    const path = tilePath({ level: 'entries', number, width: widthOf(0, number, size) })
    await rm(join(folder, path), { force: true })
  }
}

/** The longest leaf that a bundle can hold. */
const maxLeaf = 65_535

function shownRecord(stored: string, personal: AuditExport['personal']) {
  const read = verifiable(stored)
  // What was changed in the database until it is no event: shown as none, so that it is noticed and the rest can be read.
  if (read === undefined) return { leaf: '{}', record: changedRecord }
  // As it is stored: a record that was changed in the database must not be mended on the way out.
  return { leaf: read.leaf, record: personal === 'without' ? recordOf(forgottenEvent(read.event)) : stored }
}

function verifiable(record: string): ReturnType<typeof readRecord> | undefined {
  try {
    const read = readRecord(record)
    return Buffer.byteLength(read.leaf) > maxLeaf ? undefined : read
  } catch {
    return undefined
  }
}

/** A bundle of entries: each behind its length in two bytes. */
function bundleOf(leaves: readonly string[]): Buffer {
  return Buffer.concat(
    leaves.flatMap(leaf => {
      const entry = Buffer.from(leaf)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(entry.length)
      return [length, entry]
    }),
  )
}

async function writeCheckpoints({ store, tables }: Source, file: FileHandle, newest: CheckpointRow): Promise<number> {
  let written = 0
  for (let after = 0; ; ) {
    const rows = await checkpointsAfter(store.db, tables, { after, upTo: newest.size, most: page })
    const last = rows.at(-1)
    if (last === undefined) return written
    await file.appendFile(rows.map(({ size, time, note }) => `${JSON.stringify({ size, time, note })}\n`).join(''))
    written += rows.length
    after = last.size
  }
}
