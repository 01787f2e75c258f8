import { copyFileSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { temporaryFolder } from '@countersign/testing/folders'
import { sql } from 'kysely'
import Libsql from 'libsql'
import { expect, test } from 'vitest'
import { type Migration, openStore, type Store, type StoreLimits } from './index.js'

interface Tables {
  parents: { id: number }
  children: { id: number; parent: number }
  values: { value: unknown }
}

const migrations: readonly Migration[] = [
  {
    name: '001',
    up: async db => {
      await sql`create table parents (id integer primary key)`.execute(db)
      await sql`create table children (id integer primary key,
        parent integer not null references parents (id) deferrable initially deferred)`.execute(db)
      await sql`create table "values" (value)`.execute(db)
    },
  },
]

const folder = temporaryFolder()
let files = 0
const newFile = (): string => join(folder, `${++files}.db`)
const open = (file: string, limits: Partial<StoreLimits> = {}): Promise<Store<Tables>> =>
  openStore<Tables>({ url: `sqlite:${file}`, room: 'room', migrations, limits })

test('a deferred constraint that one write breaks fails that write alone, although the error comes at the shared commit', async () => {
  const store = await open(newFile())
  const results = await Promise.allSettled([
    store.write(tx => tx.insertInto('parents').values({ id: 1 }).execute()),
    store.write(tx => tx.insertInto('children').values({ id: 1, parent: 9 }).execute()),
    store.write(tx => tx.insertInto('children').values({ id: 2, parent: 1 }).execute()),
  ])
  expect(results.map(result => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await store.db.selectFrom('children').selectAll().execute()).toEqual([{ id: 2, parent: 1 }])
  await store.close()
})

test('a value is stored exactly or refused', async () => {
  const store = await open(newFile())
  const put = (value: unknown): Promise<unknown> =>
    store.write(async tx => {
      await tx.deleteFrom('values').execute()
      await tx.insertInto('values').values({ value }).execute()
      const stored = await sql<{
        value: unknown
        type: string
      }>`select value, typeof(value) as type from "values"`.execute(tx)
      return [stored.rows[0]?.value, stored.rows[0]?.type]
    })
  expect(await put(5)).toEqual([5, 'integer'])
  expect(await put(-0.5)).toEqual([-0.5, 'real'])
  expect(await put(2 ** 53 - 1)).toEqual([2 ** 53 - 1, 'integer'])
  expect(await put(12n)).toEqual([12, 'integer'])
  // Unchecked, the driver ends the whole process on a boolean.
  expect(await put(true)).toEqual([1, 'integer'])
  expect(await put(false)).toEqual([0, 'integer'])
  expect(await put(null)).toEqual([null, 'null'])
  expect(await put('é\u{1f600}')).toEqual(['é\u{1f600}', 'text'])
  expect(await put(new Uint8Array([1, 2, 3]).subarray(1))).toEqual([Buffer.from([2, 3]), 'blob'])
  for (const wrong of ['a\0b', '\ud800', Number.NaN, Number.POSITIVE_INFINITY, {}, [1], new Date(0), () => 1]) {
    await expect(put(wrong), String(wrong)).rejects.toThrow(TypeError)
  }
  await store.close()
})

test('statements beyond the prepared ones that are kept still work', async () => {
  const store = await open(newFile())
  for (let count = 1; count <= 300; count++) {
    const ids = Array.from({ length: count }, (_, index) => index)
    expect(await store.db.selectFrom('parents').selectAll().where('id', 'in', ids).execute()).toEqual([])
  }
  await store.close()
})

test('while another process holds the lock, a write waits without blocking the event loop, then succeeds', async () => {
  const file = newFile()
  const store = await open(file)
  const other = new Libsql(file)
  other.exec('begin immediate')
  const write = store.write(tx => tx.insertInto('parents').values({ id: 1 }).execute())
  let longestTurn = 0
  for (const end = performance.now() + 200; performance.now() < end; ) {
    const before = performance.now()
    await new Promise(resolve => setTimeout(resolve, 1))
    longestTurn = Math.max(longestTurn, performance.now() - before)
  }
  other.exec('commit')
  await write
  expect(longestTurn).toBeLessThan(150)
  other.close()
  await store.close()
})

test(verifies('F-20', 'a lock that is held too long fails the write with a transient error'), async () => {
  const file = newFile()
  const store = await open(file, { busy: 0.05 })
  const other = new Libsql(file)
  other.exec('begin immediate')
  await expect(store.write(tx => tx.insertInto('parents').values({ id: 1 }).execute())).rejects.toMatchObject({
    code: 'overloaded',
    transient: true,
  })
  other.exec('rollback')
  await store.write(tx => tx.insertInto('parents').values({ id: 1 }).execute())
  expect(await store.db.selectFrom('parents').selectAll().execute()).toEqual([{ id: 1 }])
  other.close()
  await store.close()
})

test(
  verifies('F-14', 'while the disk is full no write is acknowledged, and writes succeed once there is space'),
  async () => {
    const store = await open(newFile())
    const { rows } = await store.write(tx => sql<{ page_count: number }>`pragma page_count`.execute(tx))
    // SQLite answers a size limit with the same code as a full disk.
    const limit = (pages: number): Promise<unknown> =>
      store.write(tx => sql`pragma max_page_count = ${sql.raw(String(pages))}`.execute(tx))
    await limit((rows[0]?.page_count ?? 0) + 2)
    const fill = (): Promise<unknown> =>
      store.write(tx =>
        tx
          .insertInto('values')
          .values({ value: new Uint8Array(20_000) })
          .execute(),
      )
    const small = store.write(tx => tx.insertInto('parents').values({ id: 1 }).execute())
    const results = await Promise.allSettled([small, fill()])
    expect(results[1]).toMatchObject({ status: 'rejected', reason: { code: 'unavailable', transient: true } })
    const stored = await store.db.selectFrom('parents').selectAll().execute()
    expect(stored).toEqual(results[0]?.status === 'fulfilled' ? [{ id: 1 }] : [])
    await limit(10_000)
    await fill()
    await store.close()
  },
)

test('a check passes only while the database accepts writes: with a full disk reads succeed and the check fails', async () => {
  const store = await open(newFile())
  const { rows } = await store.write(tx => sql<{ page_count: number }>`pragma page_count`.execute(tx))
  const limit = (pages: number): Promise<unknown> =>
    store.write(tx => sql`pragma max_page_count = ${sql.raw(String(pages))}`.execute(tx))
  await store.check()
  await limit((rows[0]?.page_count ?? 0) + 2)
  await expect(store.check()).rejects.toMatchObject({ code: 'unavailable', transient: true })
  expect(await store.db.selectFrom('parents').selectAll().execute()).toEqual([])
  await limit(10_000)
  await store.check()
  const sized = await store.write(tx => sql<{ page_count: number }>`pragma page_count`.execute(tx))
  for (let probe = 0; probe < 20; probe++) await store.check()
  expect(await store.write(tx => sql<{ page_count: number }>`pragma page_count`.execute(tx))).toEqual(sized)
  await store.close()
})

test('after a close, the database file alone holds all data', async () => {
  const [file, copy] = [newFile(), newFile()]
  const store = await open(file)
  await store.write(tx => tx.insertInto('parents').values({ id: 7 }).execute())
  // What a copy lacks while the database is open is in the log.
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
  await store.close()
  copyFileSync(file, copy)
  expect(existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0).toBe(0)
  for (const name of [file, copy]) {
    const again = await open(name)
    expect(await again.db.selectFrom('parents').selectAll().execute()).toEqual([{ id: 7 }])
    await again.close()
  }
})

test('a close does not disturb another process that has the file open', async () => {
  const file = newFile()
  const [one, other] = [await open(file), await open(file)]
  await one.write(tx => tx.insertInto('parents').values({ id: 1 }).execute())
  const reader = new Libsql(file)
  reader.exec('begin')
  reader.prepare('select * from parents').all()
  await one.write(tx => tx.insertInto('parents').values({ id: 2 }).execute())
  await one.close()
  await other.write(tx => tx.insertInto('parents').values({ id: 3 }).execute())
  reader.exec('commit')
  reader.close()
  await other.close()
  const again = await open(file)
  expect(await again.db.selectFrom('parents').selectAll().execute()).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
  await again.close()
})

test('a file that is not a database is refused at start', async () => {
  const file = newFile()
  writeFileSync(file, 'this is not a database '.repeat(100))
  await expect(open(file)).rejects.toBeDefined()
})

test('an error names a folder that does not exist', async () => {
  await expect(open(join(folder, 'missing', 'x.db'))).rejects.toThrow(/missing/)
})
