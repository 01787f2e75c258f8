// A process that stores pairs of rows, each pair in one transaction, until it is told to stop. It prints the number of a pair, and when,
// once its write is acknowledged: URL FILLING
import { sql } from 'kysely'
import { openStore } from './open-store.js'

const [url = '', filling = '0'] = process.argv.slice(2)
const store = await openStore<{ pairs: { pair: number; side: string; text: string } }>({
  url,
  room: 'child',
  migrations: [
    {
      name: '001',
      up: async db => {
        await db.schema
          .createTable('pairs')
          .addColumn('pair', 'integer', column => column.notNull())
          .addColumn('side', 'text', column => column.notNull())
          .addColumn('text', 'text', column => column.notNull())
          .execute()
        await sql`insert into pairs (pair, side, text)
          with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${Number(filling)})
          select -n, side, ${'x'.repeat(300)} from numbers, (select 'left' as side union all select 'right')`.execute(
          db,
        )
      },
    },
  ],
})

let stopped = false
process.once('SIGTERM', () => {
  stopped = true
})

/** Every fourth pair, one after the other. */
async function writeFrom(first: number): Promise<void> {
  for (let pair = first; !stopped; pair += 4) {
    await store.write(async tx => {
      for (const side of ['left', 'right'])
        await tx
          .insertInto('pairs')
          .values({ pair, side, text: 'y'.repeat(50) })
          .execute()
    })
    process.stdout.write(`${pair} ${Date.now()}\n`)
  }
}

await Promise.all([1, 2, 3, 4].map(writeFrom))
await store.close()
