import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { enrolled, enrollmentBody, post, renewal, rotation, type Scene, scene } from './delegate.test.fixture.js'

type Message = Parameters<Scene['server']['handle']>[0]

/** Status and body of each answer, every pair once. */
async function seen({ server }: Scene, messages: ReadonlyArray<Promise<Message>>): Promise<unknown[]> {
  const pairs = new Map<string, unknown>()
  for (const message of messages) {
    const response = await server.handle(await message)
    const pair = [response.status, await response.text()]
    pairs.set(JSON.stringify(pair), pair)
  }
  return [...pairs.values()]
}

describe('bodies are equal, byte for byte, for', () => {
  test(verifies('delegate.enrol.refused', 'an enrolment code that is unknown, used, revoked or expired'), async () => {
    const stage = await scene()
    const [used, late] = [await stage.server.invite(), await stage.server.invite({ expiresIn: 60 })]
    const revoked = await stage.server.invite({ series: 'lab' })
    await stage.server.handle(await post(stage, { key: await generateSigningKey(), body: enrollmentBody(used.code) }))
    await stage.server.revokeEnrollment('code:lab')
    stage.clock.now += 60
    const codes = ['A'.repeat(32), used.code, late.code, revoked.code]
    const tried = codes.map(async code => post(stage, { key: await generateSigningKey(), body: enrollmentBody(code) }))
    const description = 'The enrolment code is unknown, used or expired.'
    const body = `{"error":"invalid_grant","reason":"enrolment_code_invalid","error_description":"${description}"}`
    expect(await seen(stage, tried)).toEqual([[400, body]])
  })

  test(
    verifies('delegate.renew.current-key', 'an agent token of a delegate that is revoked, or has another key'),
    async () => {
      const stage = await scene()
      const replaced = await enrolled(stage, 'phone')
      const rotated = await enrolled(stage, 'laptop')
      const revoked = await enrolled(stage, 'tablet')
      await enrolled(stage, 'phone')
      await stage.server.handle(await rotation(stage, rotated, await generateSigningKey()))
      await stage.server.revoke('tablet')
      const description = 'The key is not the current key of its delegate.'
      const body = `{"error":"invalid_agent_token","reason":"delegate_key_not_current","error_description":"${description}"}`
      const renewals = [replaced, rotated, revoked].map(delegate => renewal(stage, delegate))
      expect(await seen(stage, renewals)).toEqual([[401, body]])
      const next = await generateSigningKey()
      const rotations = [replaced, rotated, revoked].map(delegate => rotation(stage, delegate, next))
      expect(await seen(stage, rotations)).toEqual([[401, body]])
    },
  )

  test(verifies('delegate.renew.current-key', 'an agent token of a delegate that was forgotten'), async () => {
    const stage = await scene({ tokenLifetime: 86_400 })
    const forgotten = await enrolled(stage, 'phone')
    const revoked = await enrolled(stage, 'tablet')
    stage.clock.now += 31 * 86_400 - 10
    await stage.server.revoke('tablet')
    // Another instance, whose clock is ahead, forgets it while its token can still be renewed.
    stage.clock.now += 20
    expect(await stage.server.forget(31 * 86_400)).toBe(1)
    stage.clock.now -= 20
    const [first, ...others] = await seen(
      stage,
      [forgotten, revoked].map(delegate => renewal(stage, delegate)),
    )
    expect([first, others]).toEqual([[401, expect.stringContaining('"delegate_key_not_current"')], []])
  })
})
