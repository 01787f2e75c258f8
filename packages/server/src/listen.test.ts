import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { addresses } from './listen.js'
import { closeAll, start } from './serve.test.fixture.js'

afterEach(closeAll)

const ok = async (): Promise<Response> => new Response('ok')

test('a port in use is named', async () => {
  const { port } = await start(ok)
  await expect(start(ok, { port })).rejects.toThrow(`port ${port} of 127.0.0.1 is in use`)
})

test('in development localhost is reachable on either family', async () => {
  const { port, url } = await start(ok, { development: true, host: 'localhost' })
  expect(url).toBe(`http://localhost:${port}`)
  expect(await (await fetch(url)).text()).toBe('ok')
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('ok')
  if (await hasV6()) expect(await (await fetch(`http://[::1]:${port}`)).text()).toBe('ok')
})

test('in development no other host is bound', async () => {
  for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com', '']) {
    await expect(start(ok, { development: true, host }), host).rejects.toThrow(TypeError)
    await expect(start(ok, { development: true, host }), host).rejects.toThrow(/loopback/)
  }
  expect(addresses(undefined, { development: true })).toEqual({ required: '127.0.0.1', optional: ['::1'] })
  expect(addresses('::1', { development: true })).toEqual({ required: '::1', optional: [] })
  expect(addresses(undefined, { development: false })).toEqual({ required: undefined, optional: [] })
  expect(addresses('0.0.0.0', { development: false })).toEqual({ required: '0.0.0.0', optional: [] })
})

test('the ready line names the room and the address, once', async () => {
  const lines: string[] = []
  const { port } = await start(ok, { announce: line => lines.push(line) })
  expect(lines).toEqual([`countersign room ready at http://127.0.0.1:${port}`])
})

async function hasV6(): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(0, '::1', () => {
      expect((probe.address() as AddressInfo).port).toBeGreaterThan(0)
      probe.close(() => resolve(true))
    })
  })
}
