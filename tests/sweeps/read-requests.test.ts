import { expect, test } from 'vitest'
import { type Source, sourcesOf } from '../sources.fixture.js'

// What a request asks for and how it is answered is read from its row in one place, which refuses what it does not know. A file that told
// it by a column without a value would take a new kind for one that it knows.

const server = 'packages/auth-server/src/'
const isReader = (file: string): boolean => file.startsWith(`${server}request/`) || file.startsWith(`${server}tables/`)

/** They write rows. */
const writers = [`${server}approval/answer.ts`, `${server}approval/ask.ts`, `${server}bound/request-quota.ts`]

const sources = sourcesOf(['auth-server', 'user-desk', 'console'].map(name => `packages/${name}`))

const column = '(?:user_code|answer|operation|upstream)'

const signs: Readonly<Record<string, RegExp>> = {
  'the type of the row': /\bRequestRow\b/,
  'a column compared with NULL': new RegExp(`\\b${column}\\)? ?(?:[!=]==? ?null\\b|\\?\\?)`),
  'a column compared with NULL in SQL': new RegExp(`'(?:auth_server_requests\\.)?${column}', 'is(?: not)?'`),
  'a column that is selected': new RegExp(
    `selectFrom\\('auth_server_requests'\\)(?:(?!\\.execute)[\\s\\S])*?\\.select\\([^)]*'${column}'`,
  ),
  'a whole row': /\('auth_server_requests'\)(?:(?!\.execute)[\s\S])*?\.(?:selectAll|returningAll)\(/,
}

/** How a file reads rows of requests without the reader. */
function readsOf({ file, code }: Source): string[] {
  const found = Object.keys(signs).filter(name => signs[name]?.test(code))
  const isRead = /\bread(?:Request|Again)\(/.test(code)
  return found
    .filter(name => !(name === 'the type of the row' && writers.includes(file)))
    .filter(name => !(name === 'a whole row' && isRead))
}

test('kind and way of a request are read from its columns by one place', () => {
  const reads = sources.filter(({ file }) => !isReader(file)).map(source => [source.file, readsOf(source)] as const)
  expect(reads.length).toBeGreaterThan(200)
  expect(Object.fromEntries(reads.filter(([, found]) => found.length > 0))).toEqual({})
  expect(sources.find(({ file }) => file === `${server}request/read-request.ts`)?.code).toMatch(/operation !== null/)
})

test.each([
  ["import type { RequestRow } from '@countersign/auth-server/internal'", 'the type of the row'],
  ['if (row.operation !== null) return show(row)', 'a column compared with NULL'],
  ['const isDevice = (row?.user_code) !== null', 'a column compared with NULL'],
  ["approvals.find(row.operation ?? '')", 'a column compared with NULL'],
  ["db.selectFrom('auth_server_requests').where('upstream', 'is', null)", 'a column compared with NULL in SQL'],
  ["db.selectFrom('auth_server_requests')\n.select(['id', 'answer'])\n.execute()", 'a column that is selected'],
  ["db.selectFrom('auth_server_requests')\n.where('id', '=', id)\n.selectAll()", 'a whole row'],
  ["tx.updateTable('auth_server_requests').set(row).returningAll()", 'a whole row'],
])('%j is found', (code, found) => {
  expect(readsOf({ file: 'one.ts', code })).toEqual([found])
})
