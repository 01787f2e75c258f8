import { verifies } from '@countersign/requirements'
import { openStore, type Store } from '@countersign/store'
import { agentServer, ask, world } from '@countersign/testing/auth/world'
import { sqliteFiles } from '@countersign/testing/folders'
import { plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'
import { grantWriter } from './grant-writer.js'
import { type Grants, grantsIn } from './grants.js'

const phone = { agent: 'https://agent.example', delegate: 'phone' }
const laptop = { agent: 'https://agent.example', delegate: 'laptop' }
const grant = { id: 'g', resource: 'https://calendar.example', scope: 'events.read' }

async function database(): Promise<{ store: Store<Tables>; grants: Grants; clock: { now: number } }> {
  const clock = { now: 1_000_000_000 }
  const store = await openStore<Tables>({ url: 'sqlite::memory:', room: 'auth_server', migrations })
  return { store, grants: grantsIn(store, () => clock.now, { issuer: 'https://auth.example' }), clock }
}

async function count({ db }: Store<Tables>): Promise<number> {
  const { rows } = await db
    .selectFrom('auth_server_grants')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow()
  return rows
}

test(
  verifies('DOS-09', 'an agent that asks without end keeps its newest hundred grants, and ends no grant of others'),
  async () => {
    const { store, grants, clock } = await database()
    const others = await grants.add(laptop, grant)
    const first = await grants.add(phone, grant)
    for (let index = 0; index < 100; index++) {
      clock.now += 1
      await grants.add(phone, grant)
    }
    const newest = await grants.add(phone, grant)
    expect(await count(store)).toBe(101)
    expect(await grants.find(phone, first)).toBeUndefined()
    expect(await grants.find(phone, newest)).toEqual(grant)
    expect(await grants.find(laptop, others)).toEqual(grant)
  },
)

test(verifies('DOS-09', 'each grant that ends because there are too many is an event'), async () => {
  const made = await world()
  const signer = agentServer(made)
  for (let count = 0; count < 101; count++) {
    made.clock.now += 1
    expect((await ask(made, signer)).status).toBe(200)
  }
  const grantsOf = (type: 'granted' | 'revoked') =>
    made.events.flatMap(event => (event.type === type && 'grant' in event ? [event.grant] : []))
  const [first] = grantsOf('granted')
  expect(grantsOf('granted')).toHaveLength(101)
  expect(made.events.filter(event => event.type === 'revoked')).toEqual([
    {
      type: 'revoked',
      found: true,
      reason: 'surplus',
      grant: first,
      agent: 'https://agent.example',
      resource: 'https://calendar.example',
      scope: ['events.read'],
    },
  ])
})

test(
  verifies('DOS-09', 'a resource that makes an agent ask without end ends none of its grants at other resources'),
  async () => {
    const { store, grants, clock } = await database()
    const elsewhere = await grants.add(phone, { ...grant, id: 'mail', resource: 'https://mail.example' })
    const first = await grants.add(phone, grant)
    for (let index = 0; index < 150; index++) {
      clock.now += 1
      await grants.add(phone, grant)
    }
    expect(await count(store)).toBe(100)
    expect(await grants.find(phone, first)).toBeUndefined()
    expect(await grants.find(phone, elsewhere)).toMatchObject({ id: 'mail' })
  },
)

const newFile = sqliteFiles()

test(
  verifies('DOS-09', 'the limit of a hundred grants holds where two stores, and two parts of one, share a database'),
  async () => {
    const clock = { now: 1_000_000_000 }
    const url = newFile()
    const open = (): Promise<Store<Tables>> => openStore<Tables>({ url, room: 'auth_server', migrations })
    const [store, other] = [await open(), await open()]
    // A server writes through copies of its store, too.
    const all = [store, { ...store }, other].map(of =>
      grantsIn(of, () => clock.now, { issuer: 'https://auth.example' }),
    )
    const add = async (grants: Grants | undefined, times: number): Promise<void> => {
      for (let index = 0; index < times; index++) {
        clock.now += 1
        await grants?.add(phone, grant)
      }
    }
    await add(all[0], 60)
    await add(all[1], 60)
    await add(all[0], 10)
    expect(await count(store)).toBe(100)
    await add(all[2], 1)
    // What the others took since is counted too.
    for (let index = 0; index < 40; index++) {
      await add(all[index % 3], 1)
      expect(await count(store)).toBe(100)
    }
    await Promise.all([store.close(), other.close()])
  },
)

test(verifies('DOS-09', 'the limit of a hundred grants holds after a write that was undone'), async () => {
  const { store, grants } = await database()
  for (let index = 0; index < 100; index++) await grants.add(phone, grant)
  const write = grantWriter({ issuer: 'https://auth.example', now: () => 1 })
  const undone = store.write(async tx => {
    await tx.deleteFrom('auth_server_grants').execute()
    // Counts no grant, since all are gone; the rollback brings them back.
    await write(tx, { principal: phone, grant, token: 'new', now: 1 })
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  await grants.add(phone, grant)
  expect(await count(store)).toBe(100)
})

test(verifies('DOS-09', 'refresh.life', 'ended grants are swept from the table, live ones stay'), async () => {
  const { store, grants, clock } = await database()
  const forgotten = await grants.add(phone, grant)
  const used = await grants.add(phone, grant)
  clock.now += 80 * 86_400
  expect(await grants.use(used, grant.id)).toBe(true)
  clock.now += 10 * 86_400
  await grants.add(laptop, grant)
  expect(await count(store)).toBe(2)
  expect(await grants.find(phone, forgotten)).toBeUndefined()
  expect(await grants.find(phone, used)).toEqual(grant)
})

test(verifies('refresh.bound-to-delegate', 'a grant of the agent itself works for none of its delegates'), async () => {
  const { grants } = await database()
  const token = await grants.add({ agent: 'https://agent.example' }, { ...grant, purpose: 'sync' })
  expect(await grants.find(phone, token)).toBeUndefined()
  expect(await grants.revoke(phone, token)).toBeUndefined()
  expect(await grants.find({ agent: 'https://agent.example' }, token)).toEqual({ ...grant, purpose: 'sync' })
  expect(await grants.revoke({ agent: 'https://agent.example' }, token)).toMatchObject({ ...grant, purpose: 'sync' })
  expect(await grants.use(token, grant.id)).toBe(false)
})

test(verifies('error.unavailable', 'without its database the server answers 503 and is not ready'), async () => {
  const made = await world()
  await expect(made.auth.ready()).resolves.toBeUndefined()
  expect((await ask(made, agentServer(made))).status).toBe(200)
  await made.auth.close()
  const response = await ask(made, agentServer(made))
  expect(response.headers.get('retry-after')).toBe('5')
  expect(await refusalOf(response)).toEqual(plain(503, 'temporarily_unavailable', 'dependency_unavailable'))
  await expect(made.auth.ready()).rejects.toThrow()
})
