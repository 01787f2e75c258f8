import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { enrolled, renewal, scene } from './delegate.test.fixture.js'

test(verifies('F-80', 'while the signer is not available, a renewal is answered 503 with Retry-After'), async () => {
  const key = await generateSigningKey()
  const signer: { fault?: Error } = {}
  const sign = async (data: Uint8Array): Promise<Uint8Array> => {
    if (signer.fault !== undefined) throw signer.fault
    return key.sign(data)
  }
  const stage = await scene({ keys: [{ kid: 'k1', key: { ...key, sign } }] })
  const phone = await enrolled(stage)
  signer.fault = new Error('ECONNREFUSED')
  const response = await stage.server.handle(await renewal(stage, phone))
  expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([503, true])
  expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' })
  delete signer.fault
  expect((await stage.server.handle(await renewal(stage, phone))).status).toBe(200)
})
