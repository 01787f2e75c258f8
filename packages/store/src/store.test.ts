import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@countersign/testing/folders'
import { postgresForTests } from '@countersign/testing/postgres'
import { sql } from 'kysely'
import { test as allTests, describe, expect } from 'vitest'
import { atCommit } from './at-commit.js'
import { type Migration, openStore, prepared, type Store } from './index.js'

interface Tables {
  grants: { id: number; agent: string; hash: Uint8Array | null; active: number }
}

const migrations: readonly Migration[] = [
  {
    name: '001-grants',
    up: async (db, dialect) => {
      await db.schema
        .createTable('grants')
        .addColumn('id', 'integer', column => column.primaryKey())
        .addColumn('agent', 'text', column => column.notNull().unique())
        .addColumn('hash', dialect === 'sqlite' ? 'blob' : 'bytea')
        .addColumn('active', 'bigint', column => column.notNull().defaultTo(1))
        .execute()
    },
  },
]

const folder = temporaryFolder()
let files = 0
const newFile = (): string => `sqlite:${join(folder, `${++files}.db`)}`

const open = (url: string): Promise<Store<Tables>> => openStore<Tables>({ url, room: 'room', migrations })
const insert = (store: Store<Tables>, id: number, agent = `a${id}`): Promise<unknown> =>
  store.write(tx => tx.insertInto('grants').values({ id, agent, hash: null, active: 1 }).execute())
const ids = async (store: Store<Tables>): Promise<number[]> =>
  (await store.db.selectFrom('grants').select('id').orderBy('id').execute()).map(row => row.id)

const postgres = await postgresForTests(20)

describe.each([
  { where: 'a file', url: newFile, skip: false },
  { where: 'memory', url: () => 'sqlite::memory:', skip: false },
  { where: `PostgreSQL${postgres.away}`, url: postgres.newUrl, skip: postgres.away !== '' },
])('a store in $where', ({ url, skip }) => {
  const test = allTests.skipIf(skip)
  test('work for the end of a transaction has what its writes have left, and nothing of one that failed', async () => {
    const store = await open(url())
    const runs: string[][] = []
    const leave = atCommit<string>(async (tx, agents) => {
      runs.push([...agents])
      for (const agent of agents)
        await sql`insert into grants (id, agent) values (${agent.length * 100 + runs.length}, ${agent})`.execute(tx)
    })
    const wrote = await Promise.allSettled([
      store.write(async tx => leave(tx, 'x')),
      store.write(async tx => {
        leave(tx, 'dropped')
        throw new Error('no')
      }),
      store.write(async tx => leave(tx, 'yy')),
    ])
    expect(wrote.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const rows = await store.db.selectFrom('grants').select('agent').orderBy('agent').execute()
    expect(rows.map(({ agent }) => agent)).toEqual(['x', 'yy'])
    await store.close()
  })

  test('a write whose work at the commit fails has failed, and has changed nothing', async () => {
    const store = await open(url())
    const leave = atCommit<number>(async () => {
      throw new Error('not stored')
    })
    const failing = store.write(async tx => {
      await tx.insertInto('grants').values({ id: 1, agent: 'a', hash: null, active: 1 }).execute()
      leave(tx, 1)
    })
    await expect(failing).rejects.toThrow('not stored')
    expect(await ids(store)).toEqual([])
    await insert(store, 2)
    expect(await ids(store)).toEqual([2])
    await store.close()
  })

  test('work that is left outside a write, or after it, is refused and not lost', async () => {
    const store = await open(url())
    const leave = atCommit<number>(async () => undefined)
    expect(() => leave(store.db, 1)).toThrow(expect.objectContaining({ code: 'misuse' }))
    const tx = await store.write(async inside => ({ inside }))
    expect(() => leave(tx.inside, 1)).toThrow(expect.objectContaining({ code: 'misuse' }))
    await store.close()
  })

  test('returns values of every type as written, and the number of changed rows', async () => {
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

  test('of many concurrent writes, rolls back only the one that throws', async () => {
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

  test('of many concurrent writes, rolls back only the one that breaks a constraint', async () => {
    const store = await open(url())
    const results = await Promise.allSettled([insert(store, 1), insert(store, 1, 'other'), insert(store, 2)])
    const [one, other, third] = results.map(result => result.status)
    // Which of the two comes first is for the database to say.
    expect(new Set([one, other])).toEqual(new Set(['fulfilled', 'rejected']))
    expect(third).toBe('fulfilled')
    expect(await ids(store)).toEqual([1, 2])
    await store.close()
  })

  test('a read sees nothing of an open write', async () => {
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

  test('refuses a tx that outlives its write, and a change through db', async () => {
    const store = await open(url())
    let leaked: Store<Tables>['db'] | undefined
    await store.write(async tx => {
      leaked = tx
    })
    await expect(leaked?.selectFrom('grants').selectAll().execute()).rejects.toMatchObject({ code: 'misuse' })
    for (const change of [
      store.db.insertInto('grants').values({ id: 1, agent: 'a', hash: null, active: 1 }),
      store.db.updateTable('grants').set({ active: 0 }),
      store.db.deleteFrom('grants'),
    ]) {
      await expect(change.execute()).rejects.toMatchObject({ name: 'StoreError', code: 'misuse', transient: false })
    }
    expect(await ids(store)).toEqual([])
    await store.close()
  })

  test('rolls back a write that hangs, and goes on with the next', async () => {
    const store = await openStore<Tables>({ url: url(), room: 'room', migrations, limits: { change: 0.05 } })
    const hanging = store.write(async tx => {
      await tx.insertInto('grants').values({ id: 1, agent: 'a', hash: null, active: 1 }).execute()
      await new Promise(() => {})
    })
    const next = insert(store, 2)
    await expect(hanging).rejects.toMatchObject({ code: 'timeout', transient: true })
    await next
    expect(await ids(store)).toEqual([2])
    await store.close()
  })

  test('loses no update of concurrent changes that read and write', async () => {
    const store = await open(url())
    await store.write(tx => tx.insertInto('grants').values({ id: 1, agent: 'a', hash: null, active: 0 }).execute())
    const increment = (): Promise<unknown> =>
      store.write(async tx => {
        const { active } = await tx.selectFrom('grants').select('active').where('id', '=', 1).executeTakeFirstOrThrow()
        await tx
          .updateTable('grants')
          .set({ active: active + 1 })
          .where('id', '=', 1)
          .execute()
      })
    await Promise.all(Array.from({ length: 8 }, increment))
    const row = await store.db.selectFrom('grants').select('active').executeTakeFirstOrThrow()
    expect(row.active).toBe(8)
    await store.close()
  })

  test('a prepared statement works like the query builder, fails alone, and stays inside its write', async () => {
    const store = await open(url())
    const add = prepared((tx: Store<Tables>['db'], p: { id: number; agent: string; active: number }) =>
      tx.insertInto('grants').values({ active: p.active, id: p.id, agent: p.agent, hash: null }),
    )
    const activeOf = prepared((db: Store<Tables>['db'], p: { agent: string }) =>
      db.selectFrom('grants').select('active').where('agent', '=', p.agent).where('id', '>', 0),
    )
    const rows = [3, 1, 2].map(id => ({ id, agent: `a${id}`, active: id * 10 }))
    await Promise.all(rows.map(row => store.write(tx => add(tx, row))))
    const [again, other] = await Promise.allSettled([
      store.write(tx => add(tx, { id: 1, agent: 'again', active: 0 })),
      store.write(tx => add(tx, { id: 4, agent: 'a4', active: 40 })),
    ])
    expect([again?.status, other?.status]).toEqual(['rejected', 'fulfilled'])
    const active = await Promise.all(['a1', 'a4', 'nobody'].map(agent => activeOf(store.db, { agent })))
    expect(active.map(({ rows }) => rows)).toEqual([[{ active: 10 }], [{ active: 40 }], []])
    await expect(add(store.db, { id: 5, agent: 'a5', active: 50 })).rejects.toMatchObject({ code: 'misuse' })
    let leaked: Store<Tables>['db'] | undefined
    await store.write(async tx => {
      leaked = tx
    })
    await expect(activeOf(leaked ?? store.db, { agent: 'a1' })).rejects.toMatchObject({ code: 'misuse' })
    await expect(store.write(tx => add(tx, { id: 6, agent: 'a6' } as never))).rejects.toThrow(TypeError)
    expect(await ids(store)).toEqual([1, 2, 3, 4])
    await store.close()
  })

  test('answers a check while it is open', async () => {
    const store = await open(url())
    await expect(store.check()).resolves.toBeUndefined()
    await store.close()
    await expect(store.check()).rejects.toBeDefined()
  })

  test('returns a count as a number', async () => {
    const store = await open(url())
    await insert(store, 1)
    const counted = await store.db
      .selectFrom('grants')
      .select(eb => eb.fn.countAll().as('rows'))
      .executeTakeFirstOrThrow()
    expect(counted.rows).toBe(1)
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
    await expect(ids(store)).rejects.toMatchObject({ name: 'StoreError', code: 'closed', transient: true })
  })
})

allTests('a new database file and its log belong to the owner only, and keep a write-ahead log', async () => {
  const url = newFile()
  const store = await open(url)
  await insert(store, 1)
  const own = readdirSync(folder).filter(name => name.startsWith(`${files}.db`))
  expect(own.length).toBeGreaterThanOrEqual(2)
  for (const name of own) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
  const mode = await store.write(tx => sql<{ journal_mode: string }>`pragma journal_mode`.execute(tx))
  expect(mode.rows).toEqual([{ journal_mode: 'wal' }])
  await store.close()
})

allTests('writes that share a commit share the work at its end, one statement for all of them', async () => {
  const store = await open(newFile())
  const runs: number[] = []
  const leave = atCommit<number>(async (_, items) => void runs.push(items.length))
  await Promise.all(Array.from({ length: 20 }, (_, n) => store.write(async tx => leave(tx, n))))
  expect(runs).toEqual([20])
  await store.close()
})
