import { generateSigningKey, type ReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asKey } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { makeWorld, type World } from '../world.test.fixture.js'

type Lines = ReadonlyArray<readonly [string, string]>

const xff = (value: string) => ['X-Forwarded-For', value] as const

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

test(
  verifies('RAT-02', 'callers behind a proxy are counted each for itself, and cannot count for another'),
  async () => {
    const call = (trustedProxies: number) => {
      const resource = world.calendar({ limits: { anonymous: '1/hour' }, trustedProxies })
      return async (...headers: Lines) =>
        (await resource.authorize({ method: 'GET', target: '/', peer: '10.0.0.1', headers }, { level: 'anonymous' })).ok
    }
    const behind = call(1)
    expect([await behind(xff('198.51.100.7')), await behind(xff('198.51.100.8'))]).toEqual([true, true])
    expect([await behind(xff('203.0.113.9, 198.51.100.7')), await behind(xff('203.0.113.9'))]).toEqual([false, true])
    const direct = call(0)
    expect([await direct(xff('198.51.100.7')), await direct(xff('198.51.100.8'))]).toEqual([true, false])
  },
)

test(
  verifies('sig.replay.bounded', 'behind a proxy, too, the keys of one network have a share of the replay set'),
  async () => {
    const principals: string[] = []
    const replay: ReplaySet = {
      async check({ principal }) {
        principals.push(principal)
        return 'fresh'
      },
    }
    const resource = world.calendar({ trustedProxies: 1, replay })
    const post = async (address: string) => {
      const as = asKey(await generateSigningKey())
      const wire = await world.request({ as, target: '/x', method: 'POST', headers: [xff(address)] })
      return (await resource.authorize({ ...wire, peer: '10.0.0.1' }, { level: 'pseudonymous' })).ok
    }
    expect([await post('192.0.2.1'), await post('192.0.2.1'), await post('198.51.100.7')]).toEqual([true, true, true])
    expect(principals).toEqual(['192.0.2.1', '192.0.2.1', '198.51.100.7'])
  },
)
