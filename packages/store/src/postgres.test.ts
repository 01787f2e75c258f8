import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { verifies } from '@countersign/requirements'
import { listenOn } from '@countersign/testing/listening'
import { driverTrouble, postgresForTests } from '@countersign/testing/postgres'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openStore, type Store, type StoreLimits } from './index.js'

interface Tables {
  codes: { id: number; used: number }
}

const postgres = await postgresForTests(13)
const withPostgres = test.skipIf(postgres.away !== '')
const title = (text: string): string => `${text}${postgres.away}`

const open = (url: string, limits: Partial<StoreLimits> = {}): Promise<Store<Tables>> =>
  openStore<Tables>({
    url,
    limits,
    room: 'room',
    migrations: [
      {
        name: '001',
        up: async db => {
          await sql`create table codes (id integer primary key, used integer not null)`.execute(db)
        },
      },
    ],
  })

withPostgres(
  verifies(
    'F-21',
    title('two instances that race for one code: each round exactly one wins, and none sees a conflict'),
  ),
  { timeout: 30_000 },
  async () => {
    const url = postgres.newUrl()
    const stores = await Promise.all([open(url), open(url)])
    const redeem = (store: Store<Tables>, id: number): Promise<boolean> =>
      store.write(async tx => {
        const code = await tx.selectFrom('codes').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
        if (code.used > 0) return false
        await tx
          .updateTable('codes')
          .set({ used: code.used + 1 })
          .where('id', '=', id)
          .execute()
        return true
      })
    for (let id = 0; id < 25; id++) {
      await stores[0]?.write(tx => tx.insertInto('codes').values({ id, used: 0 }).execute())
      const won = await Promise.all(stores.flatMap(store => [redeem(store, id), redeem(store, id)]))
      expect(won.filter(Boolean)).toHaveLength(1)
    }
    await Promise.all(stores.map(store => store.close()))
  },
)

withPostgres(
  title('a crowd of writes that all look at one small table gets through, at two instances'),
  { timeout: 60_000 },
  async () => {
    const url = postgres.newUrl()
    const stores = await Promise.all([open(url), open(url)])
    const add = (store: Store<Tables>, id: number): Promise<number> =>
      store.write(async tx => {
        const all = await tx.selectFrom('codes').select('id').execute()
        await tx.insertInto('codes').values({ id, used: all.length }).execute()
        return all.length
      })
    const crowd = Array.from({ length: 60 }, (_, id) => stores.map((store, half) => add(store, 2 * id + half))).flat()
    const found = await Promise.all(crowd)
    // Each saw all that were before it and none that were after: as if they had come one by one.
    expect(found.sort((one, other) => one - other)).toEqual(Array.from({ length: 120 }, (_, n) => n))
    await Promise.all(stores.map(store => store.close()))
  },
)

withPostgres(title('instances that start at once migrate once'), async () => {
  const url = postgres.newUrl()
  const stores = await Promise.all(Array.from({ length: 4 }, () => open(url)))
  expect(await stores[0]?.db.selectFrom('codes').selectAll().execute()).toEqual([])
  await Promise.all(stores.map(store => store.close()))
})

withPostgres(verifies('F-17', title('a connection that the server ends fails one write, not the store')), async () => {
  const store = await open(postgres.newUrl())
  const cut = store.write(tx => sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx))
  await expect(cut).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable', transient: true })
  await store.write(tx => tx.insertInto('codes').values({ id: 1, used: 0 }).execute())
  expect(await store.db.selectFrom('codes').selectAll().execute()).toEqual([{ id: 1, used: 0 }])
  await store.close()
})

test.skipIf(driverTrouble() !== '')(
  verifies('F-16', `a server that is away is told as such, without the password${driverTrouble()}`),
  async () => {
    const server = await new Promise<Server>(resolve => {
      const created = createServer().listen(0, '127.0.0.1', () => resolve(created))
    })
    const { port } = server.address() as AddressInfo
    await new Promise(resolve => server.close(resolve))
    const error: unknown = await open(`postgres://user:hunter2@127.0.0.1:${port}/x`).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'StoreError', code: 'unavailable', transient: true })
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2')
  },
)

withPostgres(verifies('F-20', title('no read or write waits without end behind a slow statement')), async () => {
  const store = await open(postgres.newUrl(), { change: 0.3 })
  const began = performance.now()
  const slow = [
    ...Array.from({ length: 9 }, () => sql`select pg_sleep(20)`.execute(store.db)),
    store.write(tx => sql`select pg_sleep(20)`.execute(tx)),
  ]
  for (const outcome of await Promise.allSettled(slow))
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'timeout', transient: true } })
  await store.check()
  expect(performance.now() - began).toBeLessThan(5000)
  await store.write(tx => tx.insertInto('codes').values({ id: 1, used: 0 }).execute())
  await store.close()
})

withPostgres(
  verifies(
    'F-20',
    title('of many writes at a slow database each gets its turn, and reads pass them; none waits past its limit'),
  ),
  { timeout: 20_000 },
  async () => {
    const url = postgres.newUrl()
    const [patient, hasty] = await Promise.all([open(url, { change: 10 }), open(url, { change: 0.3 })])
    const slowly = (store: Store<Tables>, seconds: number) =>
      store.write(tx => sql`select pg_sleep(${seconds})`.execute(tx))
    // More than the two seconds that the pool allows a query to wait for a connection.
    const many = Array.from({ length: 32 }, () => slowly(patient, 0.6))
    const few = Array.from({ length: 24 }, () => slowly(hasty, 0.2))
    expect(await patient.db.selectFrom('codes').selectAll().execute()).toEqual([])
    const outcomes = await Promise.allSettled(few)
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'overloaded', transient: true })
    expect(await Promise.all(many)).toHaveLength(32)
    await Promise.all([patient.close(), hasty.close()])
  },
)

withPostgres(title('sixty writes of one row at once all take effect'), { timeout: 20_000 }, async () => {
  const store = await open(postgres.newUrl(), { change: 10 })
  await store.write(tx => tx.insertInto('codes').values({ id: 1, used: 0 }).execute())
  const add = () =>
    store.write(async tx => {
      const { used } = await tx.selectFrom('codes').select('used').where('id', '=', 1).executeTakeFirstOrThrow()
      await tx
        .updateTable('codes')
        .set({ used: used + 1 })
        .where('id', '=', 1)
        .execute()
    })
  await Promise.all(Array.from({ length: 60 }, add))
  expect(await store.db.selectFrom('codes').select('used').execute()).toEqual([{ used: 60 }])
  await store.close()
})

withPostgres(
  verifies('F-20', title('a server that falls silent is given up, and found again when it speaks')),
  { timeout: 20_000 },
  async () => {
    const url = new URL(postgres.newUrl())
    const [host, port] = [url.hostname, Number(url.port)]
    const sockets = new Set<Socket>()
    const relay = await new Promise<Server>(resolve => {
      const created = createServer(client => {
        const server = connect(port, host)
        for (const socket of [client, server]) sockets.add(socket.on('error', () => {}))
        client.on('data', data => server.write(data))
        server.on('data', data => client.write(data))
        client.on('close', () => server.destroy())
      }).listen(0, '127.0.0.1', () => resolve(created))
    })
    url.port = String((relay.address() as AddressInfo).port)
    const store = await open(url.href, { change: 0.2 })
    const insert = (id: number): Promise<unknown> =>
      store.write(tx => tx.insertInto('codes').values({ id, used: 0 }).execute())
    for (const work of [() => store.db.selectFrom('codes').selectAll().execute(), () => insert(1)]) {
      await store.check()
      // What is connected stays so, and hears nothing any more.
      for (const socket of sockets) socket.removeAllListeners('data')
      await expect(work()).rejects.toMatchObject({ name: 'StoreError', code: expect.any(String), transient: true })
    }
    await insert(2)
    expect(await store.db.selectFrom('codes').select('id').execute()).toEqual([{ id: 2 }])
    await store.close()
    for (const socket of sockets) socket.destroy()
    relay.close()
  },
)

/** In front of PostgreSQL: breaks the connection that commits, before or after the server has heard of it, or each that is new. */
interface BreakingProxy {
  readonly url: string
  next: 'pass' | 'before' | 'after' | 'new'
  close(): void
}

async function breakingProxy(url: string): Promise<BreakingProxy> {
  const server = createServer(client => {
    const upstream = connect(5432, '127.0.0.1')
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    let isCut = false
    client.on('error', end).on('close', end)
    upstream.on('error', end).on('close', end)
    client.on('data', chunk => {
      if (proxy.next === 'new') {
        if (chunk.includes('set_config')) end()
      } else if (proxy.next !== 'pass' && chunk.includes('commit\0')) {
        if (proxy.next === 'before') end()
        isCut = true
        proxy.next = 'pass'
      }
      if (!upstream.destroyed) upstream.write(chunk)
    })
    upstream.on('data', chunk => (isCut ? end() : client.write(chunk)))
  })
  const port = await listenOn(server)
  const proxy: BreakingProxy = {
    url: url.replace('127.0.0.1:5432', `127.0.0.1:${port}`),
    next: 'pass',
    close: () => server.close(),
  }
  return proxy
}

withPostgres(
  verifies(
    'F-23',
    title('a commit whose answer is lost is looked up: done when it was done, and failed when it was not'),
  ),
  async () => {
    const proxy = await breakingProxy(postgres.newUrl())
    const store = await open(proxy.url)
    const add = (id: number): Promise<string> =>
      store.write(async tx => {
        await tx.insertInto('codes').values({ id, used: 0 }).execute()
        return `answer ${id}`
      })
    expect(await add(1)).toBe('answer 1')
    proxy.next = 'after'
    expect(await add(2)).toBe('answer 2')
    proxy.next = 'before'
    await expect(add(3)).rejects.toMatchObject({ code: 'unavailable', transient: true })
    expect(await add(4)).toBe('answer 4')
    const ids = (await store.db.selectFrom('codes').select('id').orderBy('id').execute()).map(({ id }) => id)
    expect(ids).toEqual([1, 2, 4])
    await store.close()
    proxy.close()
  },
)

withPostgres(
  verifies('F-17', title('connections that break before they are set up take nothing with them, however many')),
  async () => {
    const proxy = await breakingProxy(postgres.newUrl())
    const store = await open(proxy.url)
    proxy.next = 'new'
    // More than the store has connections.
    for (let tries = 0; tries < 12; tries++)
      await expect(store.check()).rejects.toMatchObject({ code: 'unavailable', transient: true })
    proxy.next = 'pass'
    await store.check()
    await store.close()
    proxy.close()
  },
)

withPostgres(title('a check passes only while the database takes writes'), { timeout: 30_000 }, async () => {
  const url = postgres.newUrl()
  const stores = await Promise.all([open(url), open(url), open(url)])
  const [store] = stores
  await Promise.all(stores.flatMap(each => Array.from({ length: 10 }, () => each.check())))
  await store?.write(async tx => {
    await sql`create function full_disk() returns trigger language plpgsql as
      $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`.execute(tx)
    await sql`create trigger full_disk before insert on room_write_probe execute function full_disk()`.execute(tx)
  })
  expect(await store?.db.selectFrom('codes').selectAll().execute()).toEqual([])
  await expect(store?.check()).rejects.toMatchObject({ code: 'unavailable', transient: true })
  await store?.write(tx => sql`drop trigger full_disk on room_write_probe`.execute(tx))
  await store?.check()
  await Promise.all(stores.map(each => each.close()))
})

withPostgres(
  title('no more writes wait than there is room for, whatever they wait for'),
  { timeout: 30_000 },
  async () => {
    const store = await open(postgres.newUrl(), { capacity: 10 })
    let go: () => void = () => undefined
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const writes = Array.from({ length: 50 }, (_, id) =>
      store.write(
        async tx => {
          await gate
          await tx.insertInto('codes').values({ id, used: 0 }).execute()
        },
        { alone: id % 2 === 0 ? 'line' : `line ${id}` },
      ),
    )
    const settled = Promise.allSettled(writes)
    go()
    const refused = (await settled).filter(outcome => outcome.status === 'rejected')
    expect(refused).toHaveLength(40)
    for (const { reason } of refused as PromiseRejectedResult[]) expect(reason).toMatchObject({ code: 'overloaded' })
    await store.write(tx => tx.insertInto('codes').values({ id: 99, used: 0 }).execute())
    await store.close()
  },
)

withPostgres(
  verifies('DOS-09', title('a tenth of the writes that may wait are of one name, and those of other names go on')),
  { timeout: 30_000 },
  async () => {
    const store = await open(postgres.newUrl(), { capacity: 100 })
    const add = (id: number, alone: string): Promise<unknown> =>
      store.write(tx => tx.insertInto('codes').values({ id, used: 0 }).execute(), { alone })
    const flood = Promise.allSettled(Array.from({ length: 50 }, (_, id) => add(id, 'one owner')))
    await expect(add(100, 'another')).resolves.toBeDefined()
    const settled = await flood
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    for (const each of settled)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'overloaded' })
    // The twin: once they are written there is room again.
    await expect(add(101, 'one owner')).resolves.toBeDefined()
    await store.close()
  },
)
