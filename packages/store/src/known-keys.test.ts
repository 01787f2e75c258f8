import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { belongsTo, isNewDatabase, openStore, type Store } from './index.js'
import { postgresForTests } from './postgres.test.fixture.js'

const folder = mkdtempSync(join(tmpdir(), 'countersign-known-'))
const postgres = await postgresForTests(2)
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await postgres.drop()
})
let files = 0
const room = 'room'
const open = (url: string, name = room): Promise<Store<object>> =>
  openStore<object>({ url, room: name, migrations: [{ name: '001', up: async () => {} }] })

describe.each([
  { name: 'SQLite', away: '', url: () => `sqlite:${join(folder, `${++files}.db`)}` },
  { name: `PostgreSQL${postgres.away}`, away: postgres.away, url: postgres.newUrl },
])('$name', ({ away, url }) => {
  const withDatabase = test.skipIf(away !== '')

  withDatabase(
    'a database belongs to the first keys it was used with, and to what follows them key by key',
    async () => {
      const store = await open(url())
      expect(await belongsTo(store, room, ['a'], 'check')).toBe(true)
      expect(await belongsTo(store, room, ['x'], 'check')).toBe(false)
      expect(await belongsTo(store, room, ['b', 'a'], 'check')).toBe(true)
      expect(await belongsTo(store, room, ['c', 'b'], 'check')).toBe(true)
      // A stale file of the beginning.
      expect(await belongsTo(store, room, ['a'], 'check')).toBe(false)
      expect(await belongsTo(store, room, ['x'], 'ignore')).toBe(true)
      expect(await belongsTo(store, room, ['x'], 'check')).toBe(false)
      expect(await belongsTo(store, room, ['x'], 'replace')).toBe(true)
      expect(await belongsTo(store, room, ['c'], 'check')).toBe(false)
      await store.close()
    },
  )

  withDatabase('a database is new until its room was opened, and to ask makes nothing', async () => {
    const at = url()
    expect(await isNewDatabase({ url: at, room })).toBe(true)
    expect(await isNewDatabase({ url: at, room })).toBe(true)
    if (at.startsWith('sqlite:')) expect(existsSync(at.slice('sqlite:'.length))).toBe(false)
    const store = await open(at)
    expect(await isNewDatabase({ url: at, room })).toBe(false)
    expect(await isNewDatabase({ url: at, room: 'other' })).toBe(true)
    await store.close()
    expect(await isNewDatabase({ url: at, room })).toBe(false)
  })
})

test('a database in memory is always new', async () => {
  expect(await isNewDatabase({ url: 'sqlite::memory:', room })).toBe(true)
})
