import { verifies } from '@countersign/requirements'
import { sqliteFiles } from '@countersign/testing/folders'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { type Migration, openStore } from './index.js'

const newFile = sqliteFiles()

const table = (name: string): Migration => ({
  name: `add-${name}`,
  up: async db => {
    await db.schema.createTable(name).addColumn('id', 'integer').execute()
  },
})
const migrate = async (url: string, migrations: readonly Migration[], room = 'room'): Promise<string[]> => {
  const store = await openStore<Record<string, Record<string, unknown>>>({ url, room, migrations })
  const names = await sql<{ name: string }>`select name from sqlite_master where type = 'table' order by name`.execute(
    store.db,
  )
  await store.close()
  return names.rows.map(row => row.name)
}

test('applies missing migrations once, in order, and for each room', async () => {
  const url = newFile()
  expect(await migrate(url, [table('a')])).toEqual(['a', 'room_known_keys', 'room_migrations', 'room_write_probe'])
  expect(await migrate(url, [table('a')])).toEqual(['a', 'room_known_keys', 'room_migrations', 'room_write_probe'])
  expect(await migrate(url, [table('a'), table('b')])).toEqual([
    'a',
    'b',
    'room_known_keys',
    'room_migrations',
    'room_write_probe',
  ])
  expect(await migrate(url, [table('c')], 'other')).toEqual([
    'a',
    'b',
    'c',
    'other_known_keys',
    'other_migrations',
    'other_write_probe',
    'room_known_keys',
    'room_migrations',
    'room_write_probe',
  ])
})

test(verifies('F-13', 'a migration that fails leaves nothing behind and can run again'), async () => {
  const url = newFile()
  const broken: Migration = {
    name: 'add-b',
    up: async (db, dialect) => {
      await table('b').up(db, dialect)
      throw new Error('half way')
    },
  }
  await expect(migrate(url, [table('a'), broken])).rejects.toThrow('half way')
  expect(await migrate(url, [table('a'), table('b')])).toEqual([
    'a',
    'b',
    'room_known_keys',
    'room_migrations',
    'room_write_probe',
  ])
})

test(verifies('F-13', 'a program older than its database refuses to start'), async () => {
  const url = newFile()
  await migrate(url, [table('a'), table('b')])
  await expect(migrate(url, [table('a')])).rejects.toMatchObject({ name: 'StoreError', code: 'migrations' })
  await expect(migrate(url, [table('b'), table('a')])).rejects.toMatchObject({ code: 'migrations' })
  await expect(migrate(url, [table('x'), table('b')])).rejects.toMatchObject({ code: 'migrations' })
  expect(await migrate(url, [table('a'), table('b')])).toEqual([
    'a',
    'b',
    'room_known_keys',
    'room_migrations',
    'room_write_probe',
  ])
})

test('many processes that start at once migrate once', async () => {
  const url = newFile()
  let runs = 0
  const counted: Migration = {
    name: 'counted',
    up: async (db, dialect) => {
      runs++
      await table('a').up(db, dialect)
    },
  }
  await Promise.all(Array.from({ length: 6 }, () => migrate(url, [counted])))
  expect(runs).toBe(1)
})

test('refuses a malformed list of migrations or room', async () => {
  const url = newFile()
  await expect(migrate(url, [table('a'), table('a')])).rejects.toThrow(TypeError)
  await expect(migrate(url, [{ ...table('a'), name: '' }])).rejects.toThrow(TypeError)
  for (const room of ['', 'Room', '1room', 'a b', 'a"b', 'x'.repeat(41)]) {
    await expect(migrate(url, [], room), room).rejects.toThrow(TypeError)
  }
})
