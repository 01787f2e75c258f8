import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { generateSigningKey, signRequest } from '@countersign/httpsig'
import { freePort } from '@countersign/testing/ports'
import { sodium, sodiumMissing } from '@countersign/testing/sodium'
import { afterAll, expect, test } from 'vitest'
import { logOf, run, stand } from './processes.fixture.js'
import { countedSodium, tries, withoutSodium } from './sodium.fixture.js'

// Servers whose signatures libsodium verifies, by the package that this checkout has.

const place = stand()
afterAll(() => place.stop())

test.skipIf(sodium === undefined)(
  `with --ed25519 sodium libsodium judges each request of a gateway, and a reload does not change that${sodiumMissing}`,
  async () => {
    const counter = countedSodium(place.folder)
    const upstream = createServer((request, response) => response.end(String(request.headers['aauth-level'])))
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
    try {
      const port = await freePort()
      const url = `http://localhost:${port}/agenda`
      const settings = {
        id: `http://localhost:${port}`,
        port,
        upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
        routes: [{ path: '/*', level: 'pseudonymous' }],
      }
      const command = place.config('gateway', { ...settings, ed25519: 'sodium' })
      const gateway = await place.start('gateway', command, { env: counter.env })
      const log = logOf(gateway)
      const key = await generateSigningKey()
      const other = await generateSigningKey()
      const send = async (by: typeof key): Promise<string> => {
        const signed = { ...key, sign: (data: Uint8Array) => by.sign(data) }
        const signatureKey = { scheme: 'hwk', jwk: key.publicJwk } as const
        const headers = await signRequest({ method: 'GET', url, key: signed, signatureKey })
        const response = await fetch(url, { headers: headers.map(([name, value]): [string, string] => [name, value]) })
        return response.ok ? await response.text() : String(response.status)
      }
      const counted = (): number | undefined => counter.count().get(gateway.pid ?? 0)
      const before = counted()
      expect(before).toBeGreaterThanOrEqual(tries)
      expect(await send(key)).toBe('pseudonymous')
      expect(await send(other)).toBe('401')
      expect(counted()).toBe(Number(before) + 2)
      place.config('gateway', { ...settings, ed25519: 'node' })
      gateway.kill('SIGHUP')
      await expect.poll(() => log.map(({ event }) => event), { timeout: 10_000 }).toContain('reload_failed')
      expect(await send(key)).toBe('pseudonymous')
      expect(counted()).toBe(Number(before) + 3)
    } finally {
      upstream.close()
    }
  },
)

test.each<readonly [string, object]>([
  ['gateway', { upstream: 'http://127.0.0.1:1' }],
  ['auth-server', {}],
  ['auth-server', { workers: 2, database: 'postgres://127.0.0.1:1/none', replay: 'redis://127.0.0.1:1' }],
  ['agent-server', {}],
])('%s %j does not start where libsodium is chosen and not installed, and makes nothing', async (name, more) => {
  const settings = { id: 'http://localhost:1', port: 1, ed25519: 'sodium', data: join(place.folder, 'none'), ...more }
  const refused = await run(place.config(name, settings), withoutSodium(place.folder))
  expect(refused).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'countersign: --ed25519 sodium: sodium-native is not installed beside the command: npm install sodium-native\n',
  })
  expect(existsSync(join(place.folder, 'none', 'keys.json'))).toBe(false)
})
