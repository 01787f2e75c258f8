// A process that writes rows and prints each id once its write is acknowledged: FIRST-ID COUNT URL
import { openStore } from './open-store.js'

const [first = '0', count = '0', url = ''] = process.argv.slice(2)
const store = await openStore<{ rows: { id: number; text: string } }>({
  url,
  room: 'child',
  migrations: [
    {
      name: '001',
      up: async db => {
        await db.schema
          .createTable('rows')
          .addColumn('id', 'integer', column => column.primaryKey())
          .addColumn('text', 'text', column => column.notNull())
          .execute()
      },
    },
  ],
})

async function writeEvery(start: number): Promise<void> {
  for (let id = start; id < Number(first) + Number(count); id += 8) {
    await store.write(tx =>
      tx
        .insertInto('rows')
        .values({ id, text: 'x'.repeat(200) })
        .execute(),
    )
    process.stdout.write(`${id}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, (_, lane) => writeEvery(Number(first) + lane)))
await store.close()
