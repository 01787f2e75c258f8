import type { Reporter } from '@countersign/audit/internal'
import type { AuthServerEvent } from '@countersign/auth-server'
import { migrations, sweepAdmins, type Tables } from '@countersign/auth-server/internal'
import { openStore } from '@countersign/store'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, onTestFinished, test } from 'vitest'
import { enrolAdminKey, useAdminKey } from './admin-keys.js'
import { openOperator } from './open-operator.js'

const databases = await databasesForTests(3)
const [issuer, origin] = ['https://auth.example', 'https://admin.example']
const day = 86_400

/** Reports to nobody. */
const silent: Reporter<AuthServerEvent> = {
  within: async () => undefined,
  alone: async () => undefined,
  record: async () => undefined,
  tell: () => undefined,
  forget: async () => undefined,
}

async function place(database: string) {
  const clock = { now: 1_767_225_600 }
  const now = (): number => clock.now
  const operator = await openOperator({ issuer, database, now })
  const stores = await Promise.all(
    [1, 2].map(() => openStore<Tables>({ url: database, room: 'auth_server', migrations })),
  )
  onTestFinished(async () => void (await Promise.all([operator, ...stores].map(one => one.close()))))
  const secretOf = async (name: string): Promise<string> =>
    (await operator.admins.add({ name, origin })).url.slice(`${origin}/#enrol=`.length)
  /** Of an instance of the server. */
  const enrol = (at: number, secret: string, thumbprint: string): Promise<string | undefined> => {
    const store = stores[at % stores.length]
    if (store === undefined) throw new Error('there is no such instance')
    return enrolAdminKey({ store, now, report: silent, idle: day / 2, life: 7 * day }, { secret, thumbprint })
  }
  const [store] = stores
  if (store === undefined) throw new Error('there is no store')
  return { clock, operator, store, secretOf, enrol }
}

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    `on ${name}: of browsers that open one link at once at two instances, one gets in${away}`,
    async () => {
      const { operator, secretOf, enrol } = await place(url())
      const secret = await secretOf('ada')
      const tries = Array.from({ length: 10 }, (_, at) => enrol(at, secret, `key-${at}`))
      const names = await Promise.all(tries)
      expect(names.filter(one => one === 'ada')).toHaveLength(1)
      const [ada, ...others] = await operator.admins.list()
      expect([ada?.browsers.length, ada?.links, others]).toEqual([1, 0, []])
    },
  )

  test.skipIf(away !== '')(`on ${name}: who is removed while browsers sign in has none afterwards${away}`, async () => {
    const { operator, store, clock, secretOf, enrol } = await place(url())
    for (let round = 0; round < 5; round++) {
      const secrets = await Promise.all([1, 2, 3, 4].map(() => secretOf('ada')))
      const entering = secrets.map((secret, at) => enrol(at, secret, `key-${round}-${at}`))
      await operator.admins.remove('ada')
      await Promise.all(entering)
      // A browser that came after the removal had no link any more.
      for (const at of secrets.keys())
        expect(await useAdminKey(store, `key-${round}-${at}`, clock.now), `round ${round}`).toBeUndefined()
      expect(await operator.admins.list()).toEqual([])
    }
  })

  test.skipIf(away !== '')(`on ${name}: keys and links that have ended are deleted${away}`, async () => {
    const { operator, store, clock, secretOf, enrol } = await place(url())
    await enrol(0, await secretOf('ada'), 'key')
    await secretOf('bob')
    expect(await store.write(tx => sweepAdmins(tx, clock.now))).toBe(0)
    expect((await operator.admins.list()).map(one => one.name)).toEqual(['ada', 'bob'])
    clock.now += 601
    expect(await store.write(tx => sweepAdmins(tx, clock.now))).toBe(1)
    expect((await operator.admins.list()).map(one => one.name)).toEqual(['ada'])
    clock.now += 7 * day
    expect(await store.write(tx => sweepAdmins(tx, clock.now))).toBe(1)
    expect(await store.db.selectFrom('auth_server_admin_keys').selectAll().execute()).toEqual([])
  })
}
