import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, test } from 'vitest'
import { enrolled, newYear, post, rotation, scene } from './delegate.test.fixture.js'
import { codes, custom } from './index.js'
import { migrations, type Tables } from './tables.js'

const databases = await databasesForTests(3)
const numbers = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => String(n).padStart(5, '0'))

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies('delegate.enrol.refused', `on ${name}: an enrolment of many is revoked in parts, and no others${away}`),
    async () => {
      const database = url()
      const stage = await scene({ database })
      const store = await openStore<Tables>({ url: database, room: 'agent_server', migrations })
      const times = { created: newYear, last_seen: newYear, revoked: null, previous_jkt: null, rotated: null }
      const many = numbers(1201).map(n => ({ sub: `pod-${n}`, jkt: `key-${n}`, enrollment: 'oidc:prod', ...times }))
      await store.write(tx => tx.insertInto('agent_server_delegates').values(many).execute())
      const other = await enrolled(stage, 'pod-00600-and-more')
      expect(await stage.server.revokeEnrollment('oidc:prod')).toBe(1201)
      expect(await stage.server.revokeEnrollment('oidc:prod')).toBe(0)
      const still = await store.db
        .selectFrom('agent_server_delegates')
        .select('sub')
        .where('revoked', 'is', null)
        .execute()
      expect(still).toEqual([{ sub: other.sub }])
      await Promise.all([store.close(), stage.server.close()])
    },
  )

  test.skipIf(away !== '')(
    verifies('DOS-09', `on ${name}: delegates that were long away are forgotten, revoked ones and others not${away}`),
    async () => {
      const database = url()
      const stage = await scene({ database })
      const month = 31 * 86_400
      const store = await openStore<Tables>({ url: database, room: 'agent_server', migrations })
      const times = { created: newYear - month, revoked: null, previous_jkt: null, rotated: null }
      const many = numbers(1001).map(n => ({ sub: `run-${n}`, jkt: `key-${n}`, enrollment: 'oidc:ci', ...times }))
      const away = many.map(row => ({ ...row, last_seen: newYear - month - 1 }))
      const put = { ...times, sub: 'put-out', jkt: 'key-x', enrollment: 'oidc:ci', last_seen: 0, revoked: 1 }
      const here = { ...times, sub: 'run-here', jkt: 'key-y', enrollment: 'oidc:ci', last_seen: newYear - month }
      await store.write(tx =>
        tx
          .insertInto('agent_server_delegates')
          .values([...away, put, here])
          .execute(),
      )
      for (const seconds of [month - 1, 0, Number.NaN, Number.POSITIVE_INFINITY])
        await expect(stage.server.forget(seconds)).rejects.toThrow(RangeError)
      expect(await stage.server.forget(month)).toBe(1001)
      expect((await stage.server.list()).map(({ sub }) => sub)).toEqual(['put-out', 'run-here'])
      expect(stage.events).toEqual([{ type: 'forgotten', delegates: 1001 }])
      await enrolled(stage, 'run-00001')
      await Promise.all([store.close(), stage.server.close()])
    },
  )

  test.skipIf(away !== '')(
    verifies('DOS-09', 'F-83', `on ${name}: proofs and codes that ended are forgotten, so many at a time${away}`),
    async () => {
      const database = url()
      const badge = custom('badge', ({ members }) => ({
        sub: String(members['n']),
        enrollment: 'gate',
        once: { id: String(members['n']), expires: newYear + 600 + 3601 * Number(members['later'] ?? 0) },
      }))
      const stage = await scene({ database, enrollment: [codes(), badge] })
      const store = await openStore<Tables>({ url: database, room: 'agent_server', migrations })
      // The last one lives by a clock that is as far behind as clocks may be.
      const ended = [
        ...numbers(1500).map(n => ({ hash: n, expires: newYear - 300 })),
        { hash: 'x', expires: newYear - 299 },
      ]
      await store.write(async tx => {
        await tx.insertInto('agent_server_key_proofs').values(ended).execute()
        const used = ended.map(row => ({ ...row, sub: `badge:${row.hash}` }))
        await tx.insertInto('agent_server_used_proofs').values(used).execute()
        const invited = ended.map(row => ({ ...row, sub: 'phone', enrollment: 'code:lab', used: null }))
        await tx.insertInto('agent_server_enrollment_codes').values(invited).execute()
      })
      const left = () =>
        Promise.all(
          (['agent_server_key_proofs', 'agent_server_used_proofs', 'agent_server_enrollment_codes'] as const).map(
            async table => (await store.db.selectFrom(table).select('hash').execute()).length,
          ),
        )
      const step = async (n: number, later = 0) => {
        const body = JSON.stringify({ enrollment: { type: 'badge', n, later } })
        expect((await stage.server.handle(await post(stage, { key: await generateSigningKey(), body }))).status).toBe(
          200,
        )
        const delegate = await enrolled(stage, `phone-${n}`)
        const next = await generateSigningKey()
        expect((await stage.server.handle(await rotation(stage, delegate, next))).status).toBe(200)
      }
      await step(1)
      expect(await left()).toEqual([502, 502, 502])
      await step(2)
      expect(await left()).toEqual([3, 3, 3])
      stage.clock.now += 3901
      await step(3, 1)
      expect(await left()).toEqual([1, 1, 1])
      await Promise.all([store.close(), stage.server.close()])
    },
  )
}
