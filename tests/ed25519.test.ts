import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { generateSigningKey, signRequest } from '@countersign/httpsig'
import { freePort } from '@countersign/testing/ports'
import { afterAll, expect, test } from 'vitest'
import { stand } from './processes.fixture.js'

// A server whose signatures libsodium verifies, by the package that this checkout has.

const place = stand()
afterAll(() => place.stop())

/** Whether the package has a build for this machine. */
function isThere(): boolean {
  try {
    createRequire(import.meta.url)('sodium-native')
    return true
  } catch {
    return false
  }
}

test.skipIf(!isThere())(
  'with --ed25519 sodium a gateway lets a signed request in, and none with another signature',
  async () => {
    const upstream = createServer((request, response) => response.end(String(request.headers['aauth-level'])))
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
    try {
      const port = await freePort()
      const url = `http://localhost:${port}/agenda`
      const command = place.config('gateway', {
        ...{ id: `http://localhost:${port}`, port, ed25519: 'sodium' },
        upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
        routes: [{ path: '/*', level: 'pseudonymous' }],
      })
      await place.start('gateway', command)
      const key = await generateSigningKey()
      const other = await generateSigningKey()
      const send = async (by: typeof key): Promise<string> => {
        const signed = { ...key, sign: (data: Uint8Array) => by.sign(data) }
        const headers = await signRequest({
          method: 'GET',
          url,
          key: signed,
          signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
        })
        const response = await fetch(url, { headers: headers.map(([name, value]): [string, string] => [name, value]) })
        return response.ok ? await response.text() : String(response.status)
      }
      expect(await send(key)).toBe('pseudonymous')
      expect(await send(other)).toBe('401')
    } finally {
      upstream.close()
    }
  },
)
