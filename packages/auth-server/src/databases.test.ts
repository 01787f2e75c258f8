import { raceRounds, verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { browser } from '@countersign/testing/auth/browser'
import {
  allowedCode,
  answerOf,
  askUser,
  browserOf,
  callback,
  consentWorld,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
  secondInstance,
} from '@countersign/testing/auth/consent'
import { ask, delegate, granted, type Signer, send, type World, world } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { databasesForTests } from '@countersign/testing/databases'
import { plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { migrations, type Tables } from './tables/tables.js'

const databases = await databasesForTests(5, 'both')

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
      `on ${name}: grants outlive a restart, work only for their owner, and end when revoked${away}`,
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
      expect(await refusalOf(await refresh(made, laptop, before.refresh_token))).toEqual(
        plain(400, 'invalid_grant', 'grant_invalid'),
      )

      const revoke = (signer: Signer): Promise<Response> =>
        send(made, signer, { token: before.refresh_token }, { target: '/agent/revoke' })
      expect((await revoke(laptop)).status).toBe(200)
      expect((await refresh(made, phone, before.refresh_token)).status).toBe(200)
      expect((await revoke(phone)).status).toBe(200)
      expect(await refusalOf(await refresh(made, phone, before.refresh_token))).toEqual(
        plain(400, 'invalid_grant', 'grant_invalid'),
      )
      expect((await refresh(made, phone, twin.refresh_token)).status).toBe(200)
      await made.auth.close()
    },
  )

  test.skipIf(away !== '')(
    verifies(
      'DOS-09',
      'refresh.life',
      `on ${name}: too many or unused grants end, those of other principals stay${away}`,
    ),
    async () => {
      const made = await world({ database: url() })
      const phone = await delegate(made, 'phone', { claims: { exp: made.clock.now + 86_400 } })
      const laptop = await delegate(made, 'laptop')
      const kept = await granted(await ask(made, laptop))
      const oldest = await granted(await ask(made, phone))
      made.clock.now += 1
      const answers = await Promise.all(Array.from({ length: 100 }, () => ask(made, phone)))
      expect(new Set(answers.map(response => response.status))).toEqual(new Set([200]))
      expect(await refusalOf(await refresh(made, phone, oldest.refresh_token))).toEqual(
        plain(400, 'invalid_grant', 'grant_invalid'),
      )
      expect((await refresh(made, laptop, kept.refresh_token)).status).toBe(200)
      made.clock.now += 90 * 86_400
      const later = await delegate(made, 'laptop')
      expect(await refusalOf(await refresh(made, later, kept.refresh_token))).toEqual(
        plain(400, 'invalid_grant', 'grant_invalid'),
      )
      expect((await ask(made, later)).status).toBe(200)
      await made.auth.close()
    },
  )

  test.skipIf(away !== '')(
    verifies(
      'consent.code',
      'F-35',
      'F-39',
      'TOK-16',
      `on ${name}: one code at two instances is granted once, and one request decided once${away}`,
    ),
    async () => {
      const database = url()
      const a = await consentWorld({ database })
      const b = await secondInstance(a, database)
      const phone = await delegate(a, 'phone')
      const one = await browserOf(a, 'ada')
      for (let round = 0; round < raceRounds; round++) {
        a.clock.now += 1
        const request_token = await requestTokenOf(await askUser(a, phone, { scope: `events.${round}` }))
        const { csrf = '' } = hiddenFields(await (await open(one, linkOf(request_token))).text())
        const form = { csrf, request_token, decision: 'allow', [`scope:events.${round}`]: 'on' }
        const other = browser(b.auth, 'https://auth.example')
        for (const [cookie, value] of one.cookies) other.cookies.set(cookie, value)
        const answers = await Promise.all([one.post('/agent/consent', form), other.post('/agent/consent', form)])
        const codes = new Set(answers.map(answer => answerOf(answer).searchParams.get('code') ?? ''))
        expect(codes.size).toBe(1)
        const [code = ''] = codes
        const redemption = { code, request_token, redirect_uri: callback }
        const redeemed = await Promise.all([redeemCode(a, phone, redemption), redeemCode(b, phone, redemption)])
        expect(redeemed.map(({ status }) => status).sort()).toEqual([200, 400])
      }
      const events = [...a.events, ...b.events].map(({ type }) => type)
      expect(events.filter(type => type === 'consented')).toHaveLength(raceRounds)
      expect(events.filter(type => type === 'granted')).toHaveLength(raceRounds)
      await Promise.all([a.auth.close(), b.auth.close()])
    },
  )

  test.skipIf(away !== '')(
    verifies('consent.remembered', 'F-57', `on ${name}: a restart loses no request, page, code or consent${away}`),
    async () => {
      const database = url()
      const first = await consentWorld({ database })
      const phone = await delegate(first, 'phone')
      const one = await browserOf(first, 'ada')
      const request_token = await requestTokenOf(await askUser(first, phone))
      const { csrf = '' } = hiddenFields(await (await open(one, linkOf(request_token))).text())
      await first.auth.close()

      const made = await secondInstance(first, database)
      const same = await browserOf(made)
      for (const [cookie, value] of one.cookies) same.cookies.set(cookie, value)
      const form = { csrf, request_token, decision: 'allow', 'scope:events.read': 'on' }
      expect((await (await browserOf(made, 'grace')).post('/agent/consent', form)).status).toBe(403)
      const answer = await same.post('/agent/consent', form)
      const code = answerOf(answer).searchParams.get('code') ?? ''
      await granted(await redeemCode(made, phone, { code, request_token, redirect_uri: callback }))
      const again = await requestTokenOf(await askUser(made, phone))
      expect((await open(same, linkOf(again))).status).toBe(303)
      await made.auth.close()
    },
  )

  test.skipIf(away !== '')(
    verifies('DOS-09', `on ${name}: requests and consents that have expired are swept, others stay${away}`),
    async () => {
      const database = url()
      const made = await consentWorld({ database })
      const phone = await delegate(made, 'phone', { claims: { exp: made.clock.now + 86_400 } })
      await allowedCode(made, phone)
      for (let turn = 0; turn < 5; turn++) await requestTokenOf(await askUser(made, phone))
      const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
      const count = async (table: 'auth_server_requests' | 'auth_server_consents') =>
        (await store.db.selectFrom(table).select('scope').execute()).length
      expect([await count('auth_server_requests'), await count('auth_server_consents')]).toEqual([6, 1])
      made.clock.now += 1260
      await requestTokenOf(await askUser(made, await delegate(made, 'phone')))
      expect(await count('auth_server_requests')).toBe(1)
      made.clock.now += 91 * 86_400
      await allowedCode(made, await delegate(made, 'laptop'))
      expect(await count('auth_server_consents')).toBe(1)
      await store.close()
      await made.auth.close()
    },
  )
}
