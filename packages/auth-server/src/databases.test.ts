import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { afterAll, expect, test } from 'vitest'
import { postgresForTests } from '../../store/src/postgres.test.fixture.js'
import { ask, delegate, granted, plain, refusalOf, type Signer, send, type World, world } from './world.test.fixture.js'

const postgres = await postgresForTests(2)
afterAll(() => postgres.drop())

const folder = mkdtempSync(join(tmpdir(), 'countersign-databases-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const databases = [
  { name: 'SQLite', away: '', url: () => `sqlite:${join(mkdtempSync(join(folder, 'one-')), 'auth.db')}` },
  { name: 'PostgreSQL', away: postgres.away, url: () => postgres.newUrl() },
]

const refresh = (made: World, signer: Signer, refresh_token: string): Promise<Response> =>
  send(made, signer, { request_type: 'refresh', refresh_token })

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'refresh.not-rotated',
      'refresh.bound-to-delegate',
      'revoke.ends',
      'revoke.silent',
      'F-36',
      `on ${name}: grants outlive a restart, stay their owner's, and end when revoked${away}`,
    ),
    async () => {
      const database = url()
      const first = await world({ database })
      const before = await granted(await ask(first, await delegate(first, 'phone')))
      const twin = await granted(await ask(first, await delegate(first, 'phone')))
      await first.auth.close()

      const made = await world({ database })
      const phone = await delegate(made, 'phone')
      const laptop = await delegate(made, 'laptop')
      const many = await Promise.all(Array.from({ length: 20 }, () => refresh(made, phone, before.refresh_token)))
      expect(new Set(many.map(response => response.status))).toEqual(new Set([200]))
      expect(await refusalOf(await refresh(made, laptop, before.refresh_token))).toEqual(plain(400, 'invalid_grant'))

      const revoke = (signer: Signer): Promise<Response> =>
        send(made, signer, { token: before.refresh_token }, { target: '/agent/revoke' })
      expect((await revoke(laptop)).status).toBe(200)
      expect((await refresh(made, phone, before.refresh_token)).status).toBe(200)
      expect((await revoke(phone)).status).toBe(200)
      expect(await refusalOf(await refresh(made, phone, before.refresh_token))).toEqual(plain(400, 'invalid_grant'))
      expect((await refresh(made, phone, twin.refresh_token)).status).toBe(200)
      await made.auth.close()
    },
  )

  test.skipIf(away !== '')(
    verifies('DOS-09', 'refresh.life', `on ${name}: grants that are many or old end, those of others stay${away}`),
    async () => {
      const made = await world({ database: url() })
      const phone = await delegate(made, 'phone', { claims: { exp: made.clock.now + 86_400 } })
      const laptop = await delegate(made, 'laptop')
      const kept = await granted(await ask(made, laptop))
      const oldest = await granted(await ask(made, phone))
      made.clock.now += 1
      const answers = await Promise.all(Array.from({ length: 100 }, () => ask(made, phone)))
      expect(new Set(answers.map(response => response.status))).toEqual(new Set([200]))
      expect(await refusalOf(await refresh(made, phone, oldest.refresh_token))).toEqual(plain(400, 'invalid_grant'))
      expect((await refresh(made, laptop, kept.refresh_token)).status).toBe(200)
      made.clock.now += 90 * 86_400
      const later = await delegate(made, 'laptop')
      expect(await refusalOf(await refresh(made, later, kept.refresh_token))).toEqual(plain(400, 'invalid_grant'))
      expect((await ask(made, later)).status).toBe(200)
      await made.auth.close()
    },
  )
}
