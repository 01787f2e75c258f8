import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { send } from '@countersign/testing/wire'
import { asHolder } from '@countersign/testing/world/signer'
import { afterAll, expect, test } from 'vitest'
import { serveCalendar } from './calendar.test.fixture.js'
import { makeWorld } from './world.test.fixture.js'

const world = await makeWorld()
const key = await generateSigningKey()
const signer: { fault?: Error } = {}
const sign = async (data: Uint8Array): Promise<Uint8Array> => {
  if (signer.fault !== undefined) throw signer.fault
  return key.sign(data)
}
const calendar = await serveCalendar(world.calendar({ keys: [{ kid: 'r1', key: { ...key, sign } }] }))
afterAll(() => calendar.stop())

test(
  verifies('F-80', 'while the signer is away there are no resource tokens: 503, and what needs none passes'),
  async () => {
    const identified = async () => asHolder(world.delegateKey, await world.agentToken())
    const challenged = async () =>
      send(calendar.port, await world.request({ as: await identified(), target: '/events' }))
    const asked = async () =>
      send(
        calendar.port,
        await world.request({
          as: await identified(),
          method: 'POST',
          target: '/aauth/resource-token',
          body: 'scope=events.read',
          contentType: 'application/x-www-form-urlencoded',
        }),
      )
    expect((await challenged()).headers.get('agent-auth')).toContain('resource_token')
    expect((await asked()).status).toBe(200)
    signer.fault = new Error('ECONNREFUSED')
    for (const answer of [await challenged(), await asked()]) {
      expect([answer.status, answer.error]).toEqual([503, 'temporarily_unavailable'])
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(answer.headers.get('agent-auth')).toBeUndefined()
    }
    const holder = asHolder(world.delegateKey, await world.authToken())
    expect((await send(calendar.port, await world.request({ as: holder, target: '/events' }))).status).toBe(200)
    delete signer.fault
    expect((await challenged()).status).toBe(401)
    expect((await asked()).status).toBe(200)
  },
)
