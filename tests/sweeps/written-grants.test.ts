import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../processes.fixture.js'
import { type Source, sourcesOf } from '../sources.fixture.js'

// Grants are written by one file, in the transaction of its caller. A second file that writes them would be a way around the limit of
// grants, the notices of their end, or the code that must end as its grant begins.

const writer = 'packages/auth-server/src/grant/grant-writer.ts'

/** Deletes the grants that a backup would bring back, while no server runs. */
const restore = 'packages/auth-server/src/restore.ts'

const sources = sourcesOf(
  ['packages', 'apps'].flatMap(top => readdirSync(join(root, top)).map(name => `${top}/${name}`)),
)

/** How a file writes a table: by the builder of queries, also where only the running program knows which table, or in SQL. */
function writesOf(table: string, { code }: Source): string[] {
  if (!code.includes(table)) return []
  const isListed = code.replaceAll(`selectFrom('${table}')`, '').includes(`'${table}'`)
  const built = code.matchAll(/\.(insertInto|replaceInto|mergeInto|updateTable|deleteFrom)\(\s*(?:['"`](\w+)['"`])?/g)
  const ways = [...built]
    .filter(([, , named]) => (named === undefined ? isListed : named === table))
    .map(([, way = '']) => way)
  return [...new Set(/\bsql(?:<[^`]*>)?`/.test(code) ? [...ways, 'sql'] : ways)]
}

test('one file writes grants', () => {
  const writers = sources.map(source => [source.file, writesOf('auth_server_grants', source)] as const)
  expect(Object.fromEntries(writers.filter(([, ways]) => ways.length > 0))).toEqual({
    [writer]: ['insertInto', 'deleteFrom', 'updateTable'],
    [restore]: ['deleteFrom'],
  })
})

test.each([
  ["tx.updateTable('auth_server_grants').set({})", ['updateTable']],
  ["tx\n.insertInto(\n  'auth_server_grants',\n)", ['insertInto']],
  ["for (const table of ['auth_server_users', 'auth_server_grants']) tx.deleteFrom(table)", ['deleteFrom']],
  ['sql`delete from auth_server_grants`.execute(tx)', ['sql']],
  ["tx.deleteFrom('auth_server_users').where(({ exists }) => exists(tx.selectFrom('auth_server_grants')))", []],
])('%j is seen as it is', (code, ways) => {
  expect(writesOf('auth_server_grants', { file: 'one.ts', code })).toEqual(ways)
})

test('it opens no transaction: each of its changes is part of its caller’s', () => {
  const { code } = sources.find(({ file }) => file === writer) ?? { code: '' }
  expect(code).toContain('deleteFrom')
  expect(code).not.toMatch(/\.(?:write|transaction|startTransaction|db)\b/)
})
