import { randomUUID } from 'node:crypto'
import { readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder, writeDurably } from './internal/durable-file.js'

/** The state that a database has reached: the `EpochMark` of `@countersign/store`. */
export interface EpochMark {
  readonly database: string
  readonly epoch: number
}

/** Keeps a mark in a file; an `EpochKeeper` of `@countersign/store`. */
export interface EpochFile {
  read(): Promise<EpochMark | undefined>
  write(mark: EpochMark): Promise<void>
}

/**
 * Keeps the epoch of a database in a file. Store it with the keys, and not in a backup of the database.
 * An epoch in the file is never set back, so that several processes may share the file.
 * @param path of the file; its folder must exist
 */
export function epochFile(path: string): EpochFile {
  async function read(): Promise<EpochMark | undefined> {
    const text = await readFile(path, 'utf8').catch(error => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    })
    return text === undefined ? undefined : parseMark(text, path)
  }
  return {
    read,
    async write({ database, epoch }) {
      const known = await read()
      if (known !== undefined && known.database === database && known.epoch >= epoch) return
      await replace(path, `${JSON.stringify({ database, epoch })}\n`)
    },
  }
}

function parseMark(text: string, path: string): EpochMark {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {}
  if (typeof value === 'object' && value !== null && 'database' in value && 'epoch' in value) {
    const { database, epoch } = value
    if (typeof database === 'string' && typeof epoch === 'number' && Number.isSafeInteger(epoch))
      return { database, epoch }
  }
  throw new Error(`the epoch file ${path} is damaged: put back the file, or restore the database`)
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`
  await writeDurably(temporary, text)
  try {
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(path))
}
