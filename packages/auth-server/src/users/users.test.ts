import { verifies } from '@countersign/requirements'
import { openStore, type Store } from '@countersign/store'
import { expect, test } from 'vitest'
import { retention } from '../setup/retention.js'
import { migrations, type Tables } from '../tables/tables.js'
import { noteLogin, usersIn } from './users.js'

const day = 86_400

async function place(): Promise<{ store: Store<Tables>; clock: { now: number }; sweep(): Promise<string[]> }> {
  const store = await openStore<Tables>({ url: 'sqlite::memory:', room: 'auth_server', migrations })
  const clock = { now: 1_800_000_000 }
  const kept = retention(store, () => clock.now)
  const sweep = async (): Promise<string[]> => {
    kept.sweep()
    await kept.settled()
    const rows = await store.db.selectFrom('auth_server_users').select('sub').orderBy('sub').execute()
    return rows.map(({ sub }) => sub)
  }
  return { store, clock, sweep }
}

test(verifies('LOG-10', 'a user who does not sign in is deleted, but not while an agent acts for them'), async () => {
  const { store, clock, sweep } = await place()
  const users = usersIn(store, () => clock.now)
  for (const sub of ['away', 'served']) {
    const account = { issuer: 'https://login.example', subject: sub, claims: { name: sub } }
    await store.write(tx => noteLogin(tx, account, { sub, now: clock.now, provider: 'p' }))
  }
  clock.now += 399 * day
  expect(await sweep()).toEqual(['away', 'served'])
  expect(await users.serve('served')).toEqual({ sub: 'served', claims: { name: 'served' } })
  expect(await users.serve('nobody')).toBeUndefined()
  clock.now += 2 * day
  expect(await sweep()).toEqual(['served'])
  // Once a month is enough to stay; to be read for a page is not.
  for (let month = 0; month < 3; month++) {
    clock.now += 27 * day
    expect(await users.serve('served')).toBeDefined()
    expect(await sweep()).toEqual(['served'])
  }
  clock.now += 29 * day
  expect(await users.find('served')).toBeDefined()
  clock.now += 2 * day
  expect(await sweep()).toEqual([])
  await store.close()
})
