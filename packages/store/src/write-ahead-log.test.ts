import { fdatasync, fstatSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test } from 'vitest'
import { openSqlite } from './sqlite.js'
import type { Migration, Store } from './store.js'
import type { Datasync } from './write-ahead-log.js'

const folder = temporaryFolder()

interface Tables {
  rows: { id: number }
}

function open(name: string, datasync: Datasync): Promise<Store<Tables>> {
  const limits = { batch: 64, capacity: 1000, change: 5, busy: 5 }
  const up: Migration['up'] = db =>
    db.schema
      .createTable('rows')
      .addColumn('id', 'integer', column => column.primaryKey())
      .execute()
  return openSqlite<Tables>(join(folder, name), {
    room: 'room',
    migrations: [{ name: '001-rows', up }],
    limits,
    datasync,
  })
}

const insert = (store: Store<Tables>, id: number): Promise<number> =>
  store.write(async tx => {
    await tx.insertInto('rows').values({ id }).execute()
    return id
  })

const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 20))

test('a write is acknowledged only when it is on the disk, and the event loop is not blocked', async () => {
  const begun: Array<() => void> = []
  const store = await open('slow.db', (file, done) => void begun.push(() => fdatasync(file, done)))
  const acknowledged: number[] = []
  const writes = [1, 2, 3].map(id => insert(store, id).then(done => acknowledged.push(done)))
  while (begun.length === 0) await turn()
  const late = insert(store, 4).then(done => acknowledged.push(done))
  await turn()
  expect([acknowledged, begun.length]).toEqual([[], 1])
  begun[0]?.()
  await Promise.all(writes)
  expect(acknowledged).toEqual([1, 2, 3])
  while (begun.length === 1) await turn()
  expect(acknowledged).toEqual([1, 2, 3])
  begun[1]?.()
  await late
  expect(acknowledged).toEqual([1, 2, 3, 4])
  await store.close()
})

test('after one failed sync the store refuses all writes: a later sync would not restore what the disk lost', async () => {
  let fault: Error | null = null
  const store = await open('broken.db', (file, done) => (fault === null ? fdatasync(file, done) : done(fault)))
  await expect(insert(store, 1)).resolves.toBe(1)
  fault = new Error('EIO')
  await expect(insert(store, 2)).rejects.toMatchObject({ code: 'unavailable', transient: true })
  fault = null
  await expect(insert(store, 3)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(store.check()).rejects.toMatchObject({ code: 'unavailable' })
  expect(await store.db.selectFrom('rows').select('id').where('id', '=', 3).execute()).toEqual([])
  await store.close()
})

test('the log that is written is synced, also behind a symbolic link', async () => {
  mkdirSync(join(folder, 'disk'))
  symlinkSync(join(folder, 'disk', 'far.db'), join(folder, 'linked.db'))
  for (const [name, log] of [
    ['near.db', 'near.db-wal'],
    ['linked.db', 'disk/far.db-wal'],
  ] as const) {
    const synced = new Set<number>()
    const store = await open(name, (file, done) => {
      synced.add(fstatSync(file).ino)
      fdatasync(file, done)
    })
    await insert(store, 1)
    expect([...synced]).toEqual([statSync(join(folder, log)).ino])
    expect(statSync(join(folder, log)).size).toBeGreaterThan(0)
    await store.close()
  }
  expect(readdirSync(folder).filter(file => file.startsWith('linked'))).toEqual(['linked.db'])
})
