import { existsSync } from 'node:fs'
import { databasesForTests } from '@countersign/testing/databases'
import { describe, expect, test } from 'vitest'
import { openStore, type Store } from './index.js'
import { belongsTo, isNewDatabase } from './internal.js'

const databases = await databasesForTests(2)
const room = 'room'
const open = (url: string, name = room): Promise<Store<object>> =>
  openStore<object>({ url, room: name, migrations: [{ name: '001', up: async () => {} }] })

describe.each(databases)('$name$away', ({ away, url }) => {
  const withDatabase = test.skipIf(away !== '')

  withDatabase(
    'a database belongs to the first keys it was used with, and to what follows them key by key',
    async () => {
      const store = await open(url())
      expect(await belongsTo(store, room, { names: ['a'], how: 'check' })).toBe(true)
      expect(await belongsTo(store, room, { names: ['x'], how: 'check' })).toBe(false)
      expect(await belongsTo(store, room, { names: ['b', 'a'], how: 'check' })).toBe(true)
      expect(await belongsTo(store, room, { names: ['c', 'b'], how: 'check' })).toBe(true)
      // A stale file of the beginning.
      expect(await belongsTo(store, room, { names: ['a'], how: 'check' })).toBe(false)
      expect(await belongsTo(store, room, { names: ['x'], how: 'ignore' })).toBe(true)
      expect(await belongsTo(store, room, { names: ['x'], how: 'check' })).toBe(false)
      expect(await belongsTo(store, room, { names: ['x'], how: 'replace' })).toBe(true)
      expect(await belongsTo(store, room, { names: ['c'], how: 'check' })).toBe(false)
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
