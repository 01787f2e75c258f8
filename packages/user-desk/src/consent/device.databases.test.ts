import { migrations, requestsIn, type Tables } from '@countersign/auth-server/internal'
import { raceRounds, verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { browserOf, consentWorld, secondInstance } from '@countersign/testing/auth/consent'
import { answer, codes, poll, type } from '@countersign/testing/auth/device'
import { delegate, granted, send } from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

const databases = await databasesForTests(3)
const deviceFlow = 'any'

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies('device.auth', 'device.code', 'F-57', `on ${name}: a restart loses no code, page or decision${away}`),
    async () => {
      const database = url()
      const first = await consentWorld({ database, deviceFlow })
      const tv = await delegate(first, 'tv')
      const [typed, refused] = [await codes(first, tv), await codes(first, tv)]
      const one = await browserOf(first, 'ada')
      expect((await type(one, typed.user_code)).status).toBe(200)
      await first.auth.close()

      const made = await secondInstance(first, database, { deviceFlow })
      const [same, other] = [await browserOf(made), await browserOf(made, 'grace')]
      for (const [cookie, value] of one.cookies) same.cookies.set(cookie, value)
      // It is still that browser's which typed it first.
      expect((await type(other, typed.user_code)).status).toBe(400)
      expect(await refusalOf(await poll(made, tv, typed.device_code))).toEqual(
        plain(400, 'authorization_pending', 'decision_pending'),
      )
      expect((await answer(same, typed.user_code, 'allow')).status).toBe(200)
      expect((await answer(other, refused.user_code, 'deny')).status).toBe(200)
      await made.auth.close()

      const last = await secondInstance(first, database, { deviceFlow })
      const { refresh_token } = await granted(await poll(last, tv, typed.device_code))
      expect((await send(last, tv, { request_type: 'refresh', refresh_token })).status).toBe(200)
      expect(await refusalOf(await poll(last, tv, refused.device_code))).toEqual(
        plain(403, 'access_denied', 'user_refused'),
      )
      await last.auth.close()
    },
  )

  test.skipIf(away !== '')(
    verifies(
      'device.code',
      'F-35',
      'TOK-16',
      `on ${name}: of two redemptions of one device code at once, one is granted${away}`,
    ),
    async () => {
      const database = url()
      const a = await consentWorld({ database, deviceFlow })
      const b = await secondInstance(a, database, { deviceFlow })
      const tv = await delegate(a, 'tv')
      const one = await browserOf(a, 'ada')
      for (let round = 0; round < raceRounds; round++) {
        a.clock.now += 1
        const { device_code, user_code } = await codes(a, tv)
        expect((await answer(one, user_code, 'allow')).status).toBe(200)
        const redeemed = await Promise.all([poll(a, tv, device_code), poll(b, tv, device_code)])
        expect(redeemed.map(({ status }) => status).sort()).toEqual([200, 400])
        const lost = redeemed.find(({ status }) => status === 400)
        expect(lost && (await bodyOf(lost))['error']).toBe('invalid_grant')
      }
      const given = [...a.events, ...b.events].filter(({ type: kind }) => kind === 'granted')
      expect(given).toHaveLength(raceRounds)
      await Promise.all([a.auth.close(), b.auth.close()])
    },
  )

  test.skipIf(away !== '')(
    verifies('consent.device', `on ${name}: a user code names its request while that waits, for one browser${away}`),
    async () => {
      const clock = { now: 1_000_000_000 }
      const database = url()
      const open = () => openStore<Tables>({ url: database, room: 'auth_server', migrations })
      const stores = [await open(), await open()]
      const quota = { agent: 2 * raceRounds, delegate: 2 * raceRounds }
      const [requests, others] = stores.map(store => requestsIn(store, () => clock.now, { quota, development: true }))
      if (requests === undefined || others === undefined) throw new Error('no stores')
      const principal = { agent: 'https://agent.example', delegate: 'tv' }
      const asked = { principal, resource: 'https://calendar.example', scope: ['events.read'] }
      for (let round = 0; round < raceRounds; round++) {
        const { user_code } = await requests.addDevice(asked)
        const row = await others.findByUserCode(user_code)
        if (row === undefined) throw new Error('the code names nothing')
        const claims = await Promise.all([requests.claim(row, 'browser one'), others.claim(row, 'browser two')])
        expect(claims.filter(Boolean)).toHaveLength(1)
        expect(await requests.claim(row, claims[0] ? 'browser one' : 'browser two')).toBe(true)
      }
      const { user_code } = await requests.addDevice(asked)
      expect(await requests.findByUserCode(user_code.toLowerCase())).toBeUndefined()
      clock.now += 599
      expect(await requests.findByUserCode(user_code)).toMatchObject({ agent: 'https://agent.example', user_code })
      clock.now += 1
      expect(await requests.findByUserCode(user_code)).toBeUndefined()
      await Promise.all(stores.map(store => store.close()))
    },
  )
}
