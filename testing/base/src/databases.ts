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

/** Most files use PostgreSQL in the long tier only, those that ask for both tiers in each. */
const longOnly = process.env['COUNTERSIGN_LONG'] === '1' ? '' : ' (skipped: runs in the long tier)'

/**
 * SQLite in a file, and PostgreSQL where it answers.
 * @param schemas how many PostgreSQL databases the file needs
 * @param tiers in which PostgreSQL is used. Default `long`
 */
export async function databasesForTests(
  schemas: number,
  tiers: 'both' | 'long' = 'long',
): Promise<readonly DatabaseCase[]> {
  const notHere = { away: longOnly, newUrl: () => '' }
  const { away, newUrl } = tiers === 'long' && longOnly !== '' ? notHere : await postgresForTests(schemas)
  return [
    { name: 'SQLite', away: '', url: sqliteFiles() },
    { name: 'PostgreSQL', away, url: newUrl },
  ]
}

/** The same, with PostgreSQL a few milliseconds away: a burst checks before any of it counts. */
export async function slowDatabasesForTests(schemas: number): Promise<readonly DatabaseCase[]> {
  const [sqlite, postgres] = await databasesForTests(schemas)
  if (sqlite === undefined || postgres === undefined) throw new Error('there are two kinds')
  if (postgres.away !== '') return [sqlite, postgres]
  const { through } = await slowWay(2)
  return [sqlite, { ...postgres, name: 'PostgreSQL, 2 ms away', url: () => through(postgres.url()) }]
}
