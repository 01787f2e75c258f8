import { existsSync } from 'node:fs'
import { checkOptions } from '@countersign/protocol/internal'
import { parseDatabaseUrl } from './database-url.js'
import { checkMigrations } from './migrate.js'

/**
 * Whether {@link openStore} would make the room's tables, because the file or the tables do not exist. Changes nothing.
 * A database in memory is always new.
 * @throws TypeError for an invalid URL or room; StoreError `unsuitable` without the driver; the database's error when it cannot be read
 */
export async function isNewDatabase(options: { readonly url: string; readonly room: string }): Promise<boolean> {
  checkOptions('isNewDatabase', options, { url: 'string', room: 'string' })
  const { url, room } = options
  const target = parseDatabaseUrl(url)
  checkMigrations(room, [])
  const table = `${room}_migrations`
  if (target.dialect === 'postgres') {
    const { isNewInPostgres } = await import('./postgres.js')
    return isNewInPostgres(target.urls, table)
  }
  const { libsqlDatabase, libsqlDriver } = await import('./libsql-database.js')
  // Told before anything is created for a new database.
  libsqlDriver()
  if (!('file' in target) || !existsSync(target.file)) return true
  const database = libsqlDatabase(target.file)
  try {
    database.value('pragma busy_timeout = 1000')
    const tables = database.value(`select count(*) from sqlite_master where type = 'table' and name = '${table}'`)
    return Number(tables) === 0 || Number(database.value(`select count(*) from ${table}`)) === 0
  } finally {
    database.close()
  }
}
