import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { signInAs } from '@countersign/testing/auth/browser'
import {
  allowedCode,
  askUser,
  browserOf,
  consentWorld,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { delegate, granted, type Signer, send, type World } from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'
import { retention } from './retention.js'

const databases = await databasesForTests(3)

const day = 86_400

/** Reads the metadata only, as a cache does. */
async function lookIn({ auth }: World): Promise<void> {
  const headers = [['host', 'auth.example']] as const
  const response = await auth.handle({ method: 'GET', target: '/.well-known/aauth-issuer', headers })
  expect(response.status).toBe(200)
}

const refresh = async (made: World, signer: Signer, refresh_token: string): Promise<number> =>
  (await send(made, signer, { request_type: 'refresh', refresh_token })).status

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'LOG-10',
      'refresh.life',
      `on ${name}: expired sessions, addresses, consents and users are deleted without further writes${away}`,
    ),
    async () => {
      const database = url()
      const made = await consentWorld({ database })
      const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
      const rows = async (): Promise<Record<string, number>> => {
        const count = async (table: keyof Tables): Promise<number> =>
          (
            await store.db
              .selectFrom(table)
              .select(({ fn }) => fn.countAll().as('count'))
              .execute()
          ).reduce((sum, row) => sum + Number(row.count), 0)
        return {
          users: await count('auth_server_users'),
          sessions: await count('auth_server_sessions'),
          requests: await count('auth_server_requests'),
          consents: await count('auth_server_consents'),
          grants: await count('auth_server_grants'),
        }
      }
      /** What is left after a request so many seconds later. Requests do not wait for a sweep, so this does. */
      const after = async (seconds: number, expected: Record<string, number>): Promise<void> => {
        made.clock.now += seconds
        await lookIn(made)
        await sleep(30)
        await expect.poll(rows, { timeout: 5000, interval: 20 }).toMatchObject(expected)
      }
      const signer = () => delegate(made, 'phone')
      const phone = await signer()
      const { refresh_token } = await granted(await redeemCode(made, phone, await allowedCode(made, phone)))
      await requestTokenOf(await askUser(made, phone, { form: { login_hint: 'ada@demo.example' } }))
      await signInAs(await browserOf(made), 'grace')

      expect(await rows()).toEqual({ users: 2, sessions: 2, requests: 1, consents: 1, grants: 1 })
      await after(1199, { requests: 1, sessions: 2 })
      // Twenty minutes after it was asked: the address, the hint and what was asked for.
      await after(61, { requests: 0, sessions: 2 })
      await after(3600, { sessions: 0, users: 2 })

      // One agent goes on for Ada, who never comes back; what she said yes to is remembered for 90 days after its last use.
      for (let month = 0; month < 14; month++) {
        made.clock.now += 30 * day
        expect(await refresh(made, await signer(), refresh_token)).toBe(200)
      }
      await after(60, { users: 1, sessions: 0, requests: 0, consents: 0, grants: 1 })
      // With her last grant she is forgotten, too: within a month, when she is looked at again.
      await after(89 * day, { users: 1, grants: 1 })
      await after(2 * day, { grants: 0 })
      await after(30 * day, { users: 0, sessions: 0, requests: 0, consents: 0, grants: 0 })

      // A user who comes back gets a new sub.
      await signInAs(await browserOf(made), 'ada')
      await after(399 * day, { users: 1 })
      await signInAs(await browserOf(made), 'ada')
      await after(399 * day, { users: 1 })
      await after(2 * day, { users: 0 })
      await store.close()
      await made.auth.close()
    },
  )
}

test(
  verifies('LOG-10', 'thousands of expired rows are deleted in batches, and no write waits for all of them'),
  async () => {
    const clock = { now: 1_000_000_000 }
    const store = await openStore<Tables>({ url: 'sqlite::memory:', room: 'auth_server', migrations })
    const seen = { created: clock.now, last_used: clock.now, verified: 0, link: '' }
    const session = { browser: 'b', sub: 's', provider: 'demo', name: '', ...seen }
    const all = Array.from({ length: 20_600 }, (_, index) => ({ ...session, secret_hash: String(index) }))
    for (let from = 0; from < all.length; from += 1000) {
      const values = all.slice(from, from + 1000)
      await store.write(tx => tx.insertInto('auth_server_sessions').values(values).execute())
    }
    const left = async (): Promise<number> => {
      const { count } = await store.db
        .selectFrom('auth_server_sessions')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    }
    const kept = retention(store, () => clock.now)
    clock.now += 86_400
    kept.sweep()
    await store.write(tx =>
      tx.updateTable('auth_server_sessions').set({ provider: 'other' }).where('secret_hash', '=', '').execute(),
    )
    expect(await left()).toBeGreaterThan(600)
    await kept.settled()
    expect(await left()).toBe(600)
    clock.now += 60
    kept.sweep()
    await kept.settled()
    expect(await left()).toBe(0)
    await store.close()
  },
)
