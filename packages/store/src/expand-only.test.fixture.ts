import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import type { AnyTables, Migration } from './store.js'

/** The statements of a migration, as PostgreSQL would get them. */
async function statementsOf(migration: Migration): Promise<string[]> {
  const statements: string[] = []
  const db = new Kysely<AnyTables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: of => new PostgresIntrospector(of),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: event => void statements.push(event.query.sql),
  })
  await migration.up(db, 'postgres')
  return statements
}

/**
 * What of a migration would break the version before, which runs beside this one while servers are replaced: something that it uses is
 * dropped, renamed or changed, or what it writes is refused. New tables, nullable columns, columns with a default, and indexes that
 * refuse nothing do not.
 */
export async function breaksVersionBefore(migration: Migration): Promise<string[]> {
  const statements = await statementsOf(migration)
  const made = new Set(statements.flatMap(sql => /^create table (?:if not exists )?("[^"]+")/.exec(sql)?.[1] ?? []))
  return statements.filter(sql => {
    const table = /(?:on|table|into|update|from) ("[^"]+")/.exec(sql)?.[1] ?? ''
    if (made.has(table)) return false
    if (
      /^(drop|delete|update|truncate)\b/.test(sql) ||
      /\b(drop|rename|alter) (column|constraint|to)\b|\brename\b/.test(sql)
    )
      return true
    if (/^create unique index/.test(sql) || /\badd constraint\b/.test(sql)) return true
    return /\badd column\b/.test(sql) && /\bnot null\b/.test(sql) && !/\bdefault\b/.test(sql)
  })
}
