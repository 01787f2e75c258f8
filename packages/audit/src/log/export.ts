import { type FileHandle, mkdir, open, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Store } from '@countersign/store'
import { sql } from 'kysely'
import { AuditError } from '../audit-error.js'
import { exportFiles } from '../check/export-files.js'
import type { KeptEvent } from '../event/event.js'
import { forgottenEvent, readRecord, recordOf } from '../event/leaf.js'
import { hashBytes } from '../tree/hash.js'
import { hashesAt, levelsOf, tilePath, tileWidth, widthOf } from '../tree/tile.js'
import { type CheckpointRow, checkpointsAfter, newestCheckpoint } from './checkpoint-rows.js'
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
  /** Events in the export: those whose retention has not ended. */
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
  const file = await open(path, 'wx', 0o600)
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
    const start = number * tileWidth
    const { rows } = await sql<{ seq: number; record: string }>`select seq, record from ${sql.table(tables.events)}
      where seq >= ${start} and seq < ${start + width} order by seq`.execute(store.db)
    if (rows.length === 0) continue
    const kept = rows.map(({ seq, record }) => ({ seq, ...shownRecord(record, personal) }))
    await file.appendFile(kept.map(({ seq, record }) => `{"index":${seq},${record.slice(1)}\n`).join(''))
    await writeNew(join(folder, tilePath({ level: 'entries', number, width })), bundleOf(kept.map(({ leaf }) => leaf)))
    written += rows.length
  }
  return written
}

/** The longest leaf that a bundle can hold. */
const maxLeaf = 65_535

function shownRecord(record: string, personal: AuditExport['personal']) {
  const event = eventIn(record)
  // What was changed in the database until it is no event: shown as none, so that it is noticed and the rest can be read.
  if (event === undefined) return { leaf: '{}', record: '{"v":0}' }
  const { leaf, record: shown } = recordOf(personal === 'without' ? forgottenEvent(event) : event)
  // As it is stored: a record that was changed in the database must not be mended on the way out.
  return { leaf, record: personal === 'without' ? shown : record }
}

function eventIn(record: string): KeptEvent | undefined {
  try {
    const { event, leaf } = readRecord(record)
    return Buffer.byteLength(leaf) > maxLeaf ? undefined : event
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
