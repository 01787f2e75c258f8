import { existsSync } from 'node:fs'
import { databasesForTests } from '@countersign/testing/databases'
import { describe, expect, test } from 'vitest'
import { openStore, type Store } from './index.js'
import { isNewDatabase } from './internal.js'

const databases = await databasesForTests(2, 'both')
const room = 'room'
const open = (url: string, name = room): Promise<Store<object>> =>
  openStore<object>({ url, room: name, migrations: [{ name: '001', up: async () => {} }] })

describe.each(databases)('$name$away', ({ away, url }) => {
  const withDatabase = test.skipIf(away !== '')

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
