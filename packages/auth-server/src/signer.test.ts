import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { ask, delegate, granted, send, world } from '@countersign/testing/auth/world'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(
  verifies(
    'F-80',
    'while the signer is not available, no auth token is issued: 503 with Retry-After, and nothing is lost',
  ),
  async () => {
    const key = await generateSigningKey()
    const signer: { fault?: Error } = {}
    const sign = async (data: Uint8Array): Promise<Uint8Array> => {
      if (signer.fault !== undefined) throw signer.fault
      return key.sign(data)
    }
    const made = await world({ keys: [{ kid: 'a1', key: { ...key, sign } }] })
    const phone = await delegate(made, 'phone')
    const { refresh_token } = await granted(await ask(made, phone))
    signer.fault = new Error('ECONNREFUSED 10.1.2.3')
    for (const request of [
      () => ask(made, phone),
      () => send(made, phone, { request_type: 'refresh', refresh_token }),
    ]) {
      const response = await request()
      expect(response.status).toBe(503)
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      const body = await bodyOf(response)
      expect(body['error']).toBe('temporarily_unavailable')
      expect(JSON.stringify(body)).not.toContain('10.1.2.3')
    }
    delete signer.fault
    expect((await send(made, phone, { request_type: 'refresh', refresh_token })).status).toBe(200)
    await granted(await ask(made, phone))
  },
)
