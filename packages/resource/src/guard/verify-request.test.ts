import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { unread } from '@countersign/testing/unread-body'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import { beforeEach, expect, test } from 'vitest'
import type { Authorization } from '../index.js'
import { memoryRevocationSet } from '../revocation/revocation-set.js'
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

test(verifies('REV-01', 'a grant that ends while the body arrives opens nothing'), async () => {
  const revocations = memoryRevocationSet({ now: () => world.clock.now })
  const resource = world.calendar({ revocations })
  world.clock.now += 10
  const post = async (onRead?: () => Promise<void>): Promise<ReceivedMessage> => {
    const as = asHolder(world.delegateKey, await world.authToken({ grant: 'g1' }))
    const { unread: body, ...head } = unread(await world.request({ as, method: 'POST', body: '{"a":1}' }))
    const bytes = async (): Promise<Uint8Array | undefined> => {
      await onRead?.()
      return body.bytes()
    }
    return { ...head, unread: { ...body, bytes } }
  }
  const route = resource.declare({ scope: 'events.read' })
  expect(await told(await resource.authorize(await post(), route))).toBe('passed')
  const end = { issuer: 'https://auth.example', grant: 'g1', exp: world.clock.now + 600 }
  const revoked = await post(async () => void (await revocations.add(end)))
  expect(await told(await resource.authorize(revoked, route))).toEqual([401, 'grant_ended'])
})

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

test(verifies('COV-48', 'what was refused as it was read is not judged anew, and is counted once'), async () => {
  let asked = 0
  const resource = world.calendar({ failureLimit: '2/min' })
  const denied = resource.declare({ level: 'identified', deny: () => ++asked === 1 })
  const message = unread(await world.request({ as: asAgent(world.agent), method: 'POST', body: '{"a":1}' }))
  expect(await resource.read(message, denied)).toBeUndefined()
  expect(await told(await resource.authorize(message, denied))).toEqual([403, 'caller_denied'])
  expect(asked).toBe(1)

  const covering = resource.declare({ level: 'identified', components: ['x-tenant'] })
  const bare = async (): Promise<ReceivedMessage> => {
    const signed = await world.request({ as: asAgent(world.agent), method: 'POST', body: '{"a":1}' })
    return { ...unread({ ...signed, headers: [...signed.headers, ['x-tenant', 'a'] as const] }), peer }
  }
  for (let n = 0; n < 2; n++) {
    const one = await bare()
    expect(await resource.read(one, covering)).toBeUndefined()
    expect(await told(await resource.authorize(one, covering))).toEqual([401, 'component_not_covered'])
  }
  expect(await told(await resource.authorize(await bare(), covering))).toEqual([429, 'failures_exceeded'])
})

test(verifies('DIG-17', 'a body that one guard has read is there for one that streams'), async () => {
  const resource = world.calendar()
  const message = unread(await world.request({ as: asAgent(world.agent), method: 'POST', body: '{"a":1}' }))
  expect(await told(await resource.authorize(message, resource.declare({ level: 'identified' })))).toBe('passed')
  const second = await resource.authorize(message, resource.declare({ level: 'identified', body: 'stream' }))
  // Nothing is left to check: a parser may have taken the bytes since then.
  expect(second).toMatchObject({ ok: true, message: { body: new Uint8Array(Buffer.from('{"a":1}')) } })
  expect(second).not.toHaveProperty('body')
})
