import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { unread } from '@countersign/testing/unread-body'
import { asAgent, asKey } from '@countersign/testing/world/signer'
import { beforeEach, expect, test } from 'vitest'
import type { Authorization } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'

// A request whose body arrives after its head was judged.

let world: World
beforeEach(async () => {
  world = await makeWorld()
})

async function told(authorization: Authorization): Promise<unknown> {
  if (authorization.ok) return 'passed'
  const { reason } = (await authorization.response.json()) as { readonly reason: string }
  return [authorization.response.status, reason]
}

const peer = '192.0.2.1'

test(
  verifies('rate.failures', 'a byte that no signature covers counts as a failure, where a body streams, too'),
  async () => {
    const resource = world.calendar({ failureLimit: '1/min' })
    const as = asKey(await generateSigningKey())
    const route = resource.declare({ level: 'pseudonymous', body: 'stream' })
    const sent = async (body: string): Promise<Authorization> => {
      const message = await world.request({ as, method: 'POST' })
      return resource.authorize({ ...unread({ ...message, body: Buffer.from(body) }), peer }, route)
    }
    expect(await told(await sent(''))).toBe('passed')
    expect(await told(await sent('evil'))).toEqual([401, 'component_not_covered'])
    expect(await told(await sent(''))).toEqual([429, 'failures_exceeded'])
  },
)

test(verifies('DIG-17', 'a body that one guard has read is there for one that streams'), async () => {
  const resource = world.calendar()
  const message = unread(await world.request({ as: asAgent(world.agent), method: 'POST', body: '{"a":1}' }))
  expect(await told(await resource.authorize(message, resource.declare({ level: 'identified' })))).toBe('passed')
  const second = await resource.authorize(message, resource.declare({ level: 'identified', body: 'stream' }))
  // Nothing is left to check: a parser may have taken the bytes since then.
  expect(second).toMatchObject({ ok: true, message: { body: new Uint8Array(Buffer.from('{"a":1}')) } })
  expect(second).not.toHaveProperty('body')
})
