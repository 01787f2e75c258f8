import { generateSigningKey } from '@countersign/httpsig'
import { asKey } from '@countersign/testing/world/signer'
import { expect, test } from 'vitest'
import { makeWorld } from '../world.test.fixture.js'

test('a message is verified once by a resource, and a changed copy of it again', async () => {
  const world = await makeWorld()
  const [resource, other] = [world.calendar(), world.calendar()]
  const message = await world.request({
    as: asKey(await generateSigningKey()),
    target: '/x',
    method: 'POST',
    body: '{}',
  })
  const ok = async (by: typeof resource, of: typeof message): Promise<boolean> =>
    (await by.authorize(of, { level: 'pseudonymous' })).ok
  expect([await ok(resource, message), await ok(resource, message)]).toEqual([true, true])
  expect(await ok(resource, { ...message })).toBe(false)
  expect([await ok(other, { ...message, target: '/y' }), await ok(other, message)]).toEqual([false, true])
})

test('a message object that is frozen is refused: nothing could be kept in it', async () => {
  const world = await makeWorld()
  const message = await world.request({ as: asKey(await generateSigningKey()), target: '/x' })
  const authorized = world.calendar().authorize(Object.freeze(message), { level: 'pseudonymous' })
  await expect(authorized).rejects.toThrow(TypeError)
})
