import { verifies } from '@countersign/requirements'
import { type PostgresPair, startPostgresPair } from '@countersign/testing/rig/postgres-pair'
import { requireRig, rigAway } from '@countersign/testing/rig/program'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { openStore, type Store, StoreError } from './index.js'

// A PostgreSQL whose primary is lost, and its standby promoted.

requireRig('postgres', 'pg_basebackup')
const away = rigAway('postgres', 'pg_basebackup')
const on = away === '' ? test : test.skip

interface Tables {
  rows: { id: number }
}

async function place(): Promise<{ pair: PostgresPair; open(url?: string): Promise<Store<Tables>> }> {
  const pair = await startPostgresPair()
  onTestFinished(() => pair.stop())
  return {
    pair,
    async open(url = pair.url) {
      const store = await openStore<Tables>({
        url,
        room: 'room',
        migrations: [{ name: '001', up: db => db.schema.createTable('rows').addColumn('id', 'integer').execute() }],
        limits: { change: 2 },
      })
      onTestFinished(() => store.close())
      return store
    },
  }
}

const insert = (store: Store<Tables>, id: number): Promise<unknown> =>
  store.write(tx => tx.insertInto('rows').values({ id }).execute())

const code = (error: unknown): string => (error instanceof StoreError ? error.code : String(error))

/** Writes rows one after the other until told to stop; which were acknowledged, and how others failed. */
function writing(store: Store<Tables>, first: number) {
  const acknowledged: number[] = []
  const failures = new Set<string>()
  let goesOn = true
  const ended = (async () => {
    for (let id = first; goesOn; id++)
      await insert(store, id).then(
        () => acknowledged.push(id),
        async error => {
          failures.add(code(error))
          await new Promise(resolve => setTimeout(resolve, 20))
        },
      )
  })()
  return {
    acknowledged,
    failures,
    async stop() {
      goesOn = false
      await ended
    },
  }
}

on(
  verifies('F-23', `a promotion loses nothing that was acknowledged, and service is back without a restart${away}`),
  async () => {
    const { pair, open } = await place()
    const stores = [await open(), await open()]
    const writers = stores.map((store, index) => writing(store, 1_000_000 * (index + 1)))
    await expect
      .poll(() => writers.every(({ acknowledged }) => acknowledged.length > 50), { timeout: 30_000 })
      .toBe(true)
    await pair.primary.kill()
    await pair.promote()
    const from = performance.now()
    const before = writers.map(({ acknowledged }) => acknowledged.length)
    const goOn = () => writers.every(({ acknowledged }, index) => acknowledged.length > (before[index] ?? 0) + 20)
    await expect.poll(goOn, { timeout: 30_000 }).toBe(true)
    expect((performance.now() - from) / 1000).toBeLessThan(10)
    for (const writer of writers) await writer.stop()
    const kept = new Set((await pair.primary.query('select id from rows')).map(({ id }) => Number(id)))
    const acknowledged = writers.flatMap(each => each.acknowledged)
    expect(acknowledged.filter(id => !kept.has(id))).toEqual([])
    for (const { failures } of writers)
      for (const failure of failures) expect(['unavailable', 'timeout']).toContain(failure)
  },
)

on(
  `a write that did not reach the standby is not acknowledged, even if its number is in use after a promotion${away}`,
  async () => {
    const { pair, open } = await place()
    const store = await open()
    await insert(store, 1)
    // The commit of the next write waits for it.
    await pair.standby.kill()
    const write = insert(store, 2).then(
      () => 'acknowledged',
      error => code(error),
    )
    const waits = async () =>
      (await pair.primary.query("select 1 from pg_stat_activity where wait_event = 'SyncRep'")).length > 0
    await expect.poll(waits, { timeout: 10_000 }).toBe(true)
    await pair.primary.kill()
    await pair.standby.start()
    await pair.promote()
    // They use up the numbers of the transactions that were lost.
    for (let id = 3; id < 20; id++) await pair.primary.query('insert into rows values ($1)', [id])
    expect(await write).toBe('unavailable')
    expect(await pair.primary.query('select 1 from rows where id = 2')).toEqual([])
  },
)

on(`a store finds the primary, whichever host is named first${away}`, async () => {
  const { pair, open } = await place()
  const [first, second] = [pair.primary, pair.standby].map(({ port }) => `127.0.0.1:${port}`)
  const store = await open(`postgres://postgres@${second},${first}/test`)
  await insert(store, 1)
  expect(await store.db.selectFrom('rows').selectAll().execute()).toEqual([{ id: 1 }])
  await expect(open(`postgres://postgres@${second}/test`)).rejects.toThrow()
  await pair.primary.kill()
  await expect(insert(store, 2)).rejects.toMatchObject({ code: 'unavailable' })
  await pair.promote()
  await expect
    .poll(
      () =>
        insert(store, 3).then(
          () => true,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true)
  const { rows } = await sql<{ count: number }>`select count(*) as count from rows`.execute(store.db)
  expect(rows).toEqual([{ count: 2 }])
})
