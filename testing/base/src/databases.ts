import { sqliteFiles } from './folders.js'
import { postgresForTests } from './postgres.js'
import { slowWay } from './slow-postgres.js'

/** A kind of database that a test runs on. */
export interface DatabaseCase {
  readonly name: string
  /** Empty, or the words that tell in a test's title why it is skipped. */
  readonly away: string
  /** The URL of a new, empty database. */
  url(): string
}

/**
 * SQLite in a file, and PostgreSQL where it answers.
 * @param schemas how many PostgreSQL databases the file needs
 */
export async function databasesForTests(schemas: number): Promise<readonly DatabaseCase[]> {
  const { away, newUrl } = await postgresForTests(schemas)
  return [
    { name: 'SQLite', away: '', url: sqliteFiles() },
    { name: 'PostgreSQL', away, url: newUrl },
  ]
}

/** The same, with PostgreSQL a few milliseconds away: a burst checks before any of it counts. */
export async function slowDatabasesForTests(schemas: number): Promise<readonly DatabaseCase[]> {
  const { away, newUrl } = await postgresForTests(schemas)
  const { through } = await slowWay(2)
  return [
    { name: 'SQLite', away: '', url: sqliteFiles() },
    { name: 'PostgreSQL, 2 ms away', away, url: () => through(newUrl()) },
  ]
}
