import { generateSigningKey } from '@countersign/httpsig'
import { raceRounds, verifies } from '@countersign/requirements'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, test } from 'vitest'
import {
  enrolled,
  enrollmentBody,
  kidsOf,
  newYear,
  post,
  renewal,
  rotation,
  type Scene,
  scene,
} from './delegate.test.fixture.js'
import { issuer, issuerKey, show, token } from './enrollment/oidc.test.fixture.js'
import { codes, oidc } from './index.js'

const databases = await databasesForTests(4, 'both')

const status = async ({ server }: Scene, message: ReturnType<typeof post>): Promise<number> =>
  (await server.handle(await message)).status

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'delegate.enrol.code',
      'delegate.renew.current-key',
      'F-35',
      `on ${name}: at two instances, a code works once and only the current key renews${away}`,
    ),
    async () => {
      const database = url()
      const keys = [{ kid: 'k1', key: await generateSigningKey() }]
      const [one, two] = [await scene({ database, keys }), await scene({ database, keys })]
      for (let round = 0; round < raceRounds; round++) {
        const { code } = await one.server.invite()
        const racing = [one, two, one, two].map(async instance =>
          status(instance, post(instance, { key: await generateSigningKey(), body: enrollmentBody(code) })),
        )
        expect((await Promise.all(racing)).sort()).toEqual([200, 400, 400, 400])
      }

      const lost = await enrolled(one, 'phone')
      const found = await enrolled(two, 'phone')
      expect(await status(one, renewal(one, lost))).toBe(401)
      expect(await status(one, renewal(one, found))).toBe(200)
      const { code } = await two.server.invite({ sub: 'phone' })
      expect(await two.server.revoke('phone')).toBe(true)
      expect(await status(one, renewal(one, found))).toBe(401)
      const key = await generateSigningKey()
      expect(await status(one, post(one, { key, body: enrollmentBody(code) }))).toBe(400)

      const seen = await one.server.list({ limit: 4 })
      const rest = await two.server.list({ after: seen.at(-1)?.sub ?? '', limit: 1000 })
      const all = [...seen, ...rest]
      expect(new Set(all.map(({ sub }) => sub)).size).toBe(raceRounds + 1)
      expect(all.filter(({ revoked }) => revoked !== undefined).map(({ sub }) => sub)).toEqual(['phone'])
      await Promise.all([one.server.close(), two.server.close()])
    },
  )

  test.skipIf(away !== '')(
    verifies('delegate.rotate', 'delegate.rotate.alarm', `on ${name}: of rotations that race one wins${away}`),
    async () => {
      const database = url()
      const keys = [{ kid: 'k1', key: await generateSigningKey() }]
      const [one, two] = [await scene({ database, keys }), await scene({ database, keys })]
      for (let round = 0; round < 5; round++) {
        const delegate = await enrolled(one)
        const racing = [one, two, one, two].map(async instance =>
          status(instance, rotation(instance, delegate, await generateSigningKey())),
        )
        expect((await Promise.all(racing)).sort()).toEqual([200, 401, 401, 401])
        const same = await generateSigningKey()
        const other = await enrolled(two)
        const repeating = [one, two, one, two].map(instance => status(instance, rotation(instance, other, same)))
        expect(await Promise.all(repeating)).toEqual([200, 200, 200, 200])
      }
      const alarms = [...one.events, ...two.events].filter(({ type }) => type === 'alarm')
      const rotations = [...one.events, ...two.events].filter(({ type }) => type === 'rotated')
      expect([alarms.length, rotations.length]).toEqual([15, 10])
      await Promise.all([one.server.close(), two.server.close()])
    },
  )

  test.skipIf(away !== '')(
    verifies('F-40', 'discovery.publish-ahead', `on ${name}: instances that rotate at once make one key${away}`),
    async () => {
      const o = { database: url(), keys: { rotateEvery: 7 * 86_400, publishAhead: 900 } }
      const [one, two] = await Promise.all([scene(o), scene(o)])
      const stages = [one, two]
      const kids = (): Promise<string[][]> => Promise.all(stages.map(stage => kidsOf(stage.server)))
      const made = (): unknown[] => stages.flatMap(({ events }) => events).filter(({ type }) => type === 'key_made')
      expect(new Set((await kids()).flat()).size).toBe(1)
      expect(made()).toHaveLength(1)
      for (let rotation = 1; rotation <= 3; rotation++) {
        for (const { clock } of stages) clock.now = newYear + rotation * 7 * 86_400 - 900
        await kids()
        expect(made()).toHaveLength(rotation + 1)
        // Half a minute before its first use, every instance publishes it.
        for (const { clock } of stages) clock.now += 870
        const [ofOne = [], ofTwo = []] = await kids()
        expect(ofOne).toHaveLength(2)
        expect(ofTwo).toEqual(ofOne)
        for (const { clock } of stages) clock.now += 30
        const signing = await Promise.all(stages.map(({ server }) => server.signingKey()))
        expect(signing.map(({ kid }) => kid)).toEqual([ofOne[1], ofOne[1]])
        const delegate = await enrolled(one)
        expect(await status(two, renewal(two, delegate))).toBe(200)
        for (const { clock } of stages) clock.now += 86_400 + 600
        expect(await kids()).toEqual([[ofOne[1]], [ofOne[1]]])
      }
      const retired = stages.flatMap(({ events }) => events).filter(({ type }) => type === 'key_retired')
      expect(retired).toHaveLength(3)
      await Promise.all(stages.map(({ server }) => server.close()))
    },
  )

  test.skipIf(away !== '')(
    verifies(
      'delegate.enrol.oidc',
      'delegate.enrol.refused',
      `on ${name}: at two instances, a token enrols once and a revocation holds until the delegate is reinstated${away}`,
    ),
    async () => {
      const key = await issuerKey('one', 'ES256')
      const issuers = [{ issuer, name: 'ci', subjects: ['repo:acme/*'], audience: 'any', jwks: { keys: [key.jwk] } }]
      const shared = { database: url(), enrollment: [codes(), oidc({ issuers })] }
      const [one, two] = [await scene(shared), await scene(shared)]
      const shown = async (instance: Scene, jws: string) =>
        (await show(instance, { key: await generateSigningKey(), jws })).status
      const fresh = (sub: string, jti: string) => token(key, { aud: 'any', sub, jti })
      for (let round = 0; round < 3; round++) {
        const jws = await fresh('repo:acme/app', String(round))
        const statuses = await Promise.all([one, two, one, two].map(instance => shown(instance, jws)))
        expect(statuses.sort()).toEqual([200, 400, 400, 400])
      }
      expect(await shown(two, await fresh('repo:acme/other', '3'))).toBe(200)
      const invited = await enrolled(one, 'phone', 'lab')
      const { code } = await two.server.invite({ series: 'lab' })
      expect(await one.server.revokeEnrollment('oidc:ci')).toBe(2)
      expect(await two.server.revokeEnrollment('code:lab')).toBe(1)
      expect(await status(one, renewal(one, invited))).toBe(401)
      expect(await status(one, post(one, { key: await generateSigningKey(), body: enrollmentBody(code) }))).toBe(400)
      const again = await fresh('repo:acme/app', '4')
      expect(await shown(two, again)).toBe(400)
      expect(await two.server.reinstate('oidc:ci#repo:acme/app')).toBe(true)
      // The enrolment that was refused for the revocation left the token unused.
      expect(await shown(one, again)).toBe(200)
      const listed = await one.server.list({ enrollment: 'oidc:ci' })
      expect(listed.map(({ sub, revoked }) => [sub, revoked === undefined])).toEqual([
        ['oidc:ci#repo:acme/app', true],
        ['oidc:ci#repo:acme/other', false],
      ])
      await Promise.all([one.server.close(), two.server.close()])
    },
  )
}
