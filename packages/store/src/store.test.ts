import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Migration, openStore, type Store } from './index.js'

interface Tables {
  grants: { id: number; agent: string; hash: Uint8Array | null; active: number }
}

const migrations: readonly Migration[] = [
  {
    name: '001-grants',
    up: async db => {
      await db.schema
        .createTable('grants')
        .addColumn('id', 'integer', column => column.primaryKey())
        .addColumn('agent', 'text', column => column.notNull().unique())
        .addColumn('hash', 'blob')
        .addColumn('active', 'integer', column => column.notNull().defaultTo(1))
        .execute()
    },
  },
]

const folder = mkdtempSync(join(tmpdir(), 'countersign-store-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newFile = (): string => `sqlite:${join(folder, `${++files}.db`)}`

const open = (url: string): Promise<Store<Tables>> => openStore<Tables>({ url, room: 'room', migrations })
const insert = (store: Store<Tables>, id: number, agent = `a${id}`): Promise<unknown> =>
  store.write(tx => tx.insertInto('grants').values({ id, agent, hash: null, active: 1 }).execute())
const ids = async (store: Store<Tables>): Promise<number[]> =>
  (await store.db.selectFrom('grants').select('id').orderBy('id').execute()).map(row => row.id)

describe.each([
  ['a file', newFile],
  ['memory', () => 'sqlite::memory:'],
])('a store in %s', (_name, url) => {
  test('gives back what was written, of every kind, and counts what changed', async () => {
    const store = await open(url())
    await store.write(tx =>
      tx
        .insertInto('grants')
        .values({ id: 7, agent: 'aé\u{1f600}', hash: new Uint8Array([0, 1, 255]), active: 2 ** 40 })
        .execute(),
    )
    const row = await store.db.selectFrom('grants').selectAll().where('id', '=', 7).executeTakeFirstOrThrow()
    expect({ ...row, hash: [...(row.hash ?? [])] }).toEqual({
      id: 7,
      agent: 'aé\u{1f600}',
      hash: [0, 1, 255],
      active: 2 ** 40,
    })
    expect(row.hash).toBeInstanceOf(Uint8Array)
    const update = (id: number): Promise<bigint> =>
      store.write(
        async tx =>
          (await tx.updateTable('grants').set({ active: 0 }).where('id', '=', id).executeTakeFirstOrThrow())
            .numUpdatedRows,
      )
    expect([await update(7), await update(8)]).toEqual([1n, 0n])
    await store.close()
  })

  test('rolls back alone the one of many concurrent writes that throws', async () => {
    const store = await open(url())
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, (_, id) =>
        store.write(async tx => {
          await tx
            .insertInto('grants')
            .values({ id, agent: `a${id}`, hash: null, active: 1 })
            .execute()
          if (id % 50 === 3) throw new Error(`no ${id}`)
          return id
        }),
      ),
    )
    expect(results.filter(result => result.status === 'rejected').map(result => String(result.reason))).toEqual([
      'Error: no 3',
      'Error: no 53',
      'Error: no 103',
      'Error: no 153',
    ])
    expect(await ids(store)).toEqual(Array.from({ length: 200 }, (_, id) => id).filter(id => id % 50 !== 3))
    await store.close()
  })

  test('rolls back alone the one that breaks a constraint', async () => {
    const store = await open(url())
    const results = await Promise.allSettled([insert(store, 1), insert(store, 1, 'other'), insert(store, 2)])
    expect(results.map(result => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await ids(store)).toEqual([1, 2])
    await store.close()
  })

  test('shows a read nothing of a write that is still open', async () => {
    const store = await open(url())
    let seen: Promise<number[]> | undefined
    await expect(
      store.write(async tx => {
        await tx.insertInto('grants').values({ id: 1, agent: 'a', hash: null, active: 1 }).execute()
        seen = ids(store)
        await new Promise(resolve => setTimeout(resolve, 20))
        throw new Error('rolled back')
      }),
    ).rejects.toThrow('rolled back')
    expect(await seen).toEqual([])
    await store.close()
  })

  test('finishes the waiting writes on close, then refuses', async () => {
    const store = await open(url())
    const write = insert(store, 1)
    const closed = store.close()
    await expect(write).resolves.toBeDefined()
    await expect(insert(store, 2)).rejects.toMatchObject({ code: 'closed' })
    await closed
    await store.close()
  })
})

test('a new database file and its log belong to the owner only', async () => {
  const url = newFile()
  const store = await open(url)
  await insert(store, 1)
  const own = readdirSync(folder).filter(name => name.startsWith(`${files}.db`))
  expect(own.length).toBeGreaterThanOrEqual(2)
  for (const name of own) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
  await store.close()
})
