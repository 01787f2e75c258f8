import { verifies } from '@countersign/requirements'
import { type AnyTables, openStore } from '@countersign/store'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'

const databases = await databasesForTests(2)

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies('consent.remembered', `on ${name}: consents from before there were exchanges stay, for no chain${away}`),
    async () => {
      const database = url()
      const before = migrations.slice(0, 6)
      expect(before.at(-1)?.name).toBe('006-user-review')
      const old = await openStore<AnyTables>({ url: database, room: 'auth_server', migrations: before })
      const row = {
        user_sub: 'ada',
        agent: 'https://agent.example',
        agent_delegate: 'phone',
        resource: 'https://calendar.example',
        scope: 'events.read',
        created: 1,
        last_used: 2,
      }
      await old.write(tx => tx.insertInto('auth_server_consents').values(row).execute())
      await old.close()

      const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
      const all = () => store.db.selectFrom('auth_server_consents').selectAll().orderBy('chain').execute()
      expect(await all()).toEqual([
        { ...row, chain: '', hops: null, beginning: null, conditions: null, purposes: null, words: null },
      ])
      await store.write(tx =>
        tx
          .insertInto('auth_server_consents')
          .values({ ...row, chain: 'c' })
          .execute(),
      )
      expect(await all()).toEqual([
        { ...row, chain: '', hops: null, beginning: null, conditions: null, purposes: null, words: null },
        { ...row, chain: 'c', hops: null, beginning: null, conditions: null, purposes: null, words: null },
      ])
      const again = store.write(tx =>
        tx
          .insertInto('auth_server_consents')
          .values({ ...row, chain: 'c' })
          .execute(),
      )
      await expect(again).rejects.toThrow()
      await store.close()
    },
  )
}
