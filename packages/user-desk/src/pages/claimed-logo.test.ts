import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FetchedDocument } from '@countersign/discovery'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { claimedLogos } from './claimed-logo.js'

const png = (width: number, height: number, chunk = 'IDAT'): Uint8Array => {
  const bytes = Buffer.alloc(57)
  bytes.write('89504e470d0a1a0a0000000d49484452', 'hex')
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  bytes.write(chunk, 37)
  bytes.write('IEND', 49)
  return bytes
}
const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc0001108004000300301220002110103110100', 'hex')
const webp = (chunk: string, rest: string): Uint8Array =>
  Buffer.concat([Buffer.from('RIFF0000WEBP'), Buffer.from(chunk), Buffer.from(rest, 'hex')])
const lossless = webp('VP8L', `10000000${'2f'}3f00000000000000000000`)
const extended = (flags: string): Uint8Array => webp('VP8X', `0a000000${flags}0000003f00003f0000`)

const uri = 'https://agent.example/logo'
function place(o: Partial<FetchedDocument> | (() => Promise<FetchedDocument>)) {
  const clock = { now: 1000 }
  const fetched: Array<{ url: string; maxBytes: number }> = []
  const logos = claimedLogos({
    now: () => clock.now,
    patience: 0.01,
    fetcher: (url, { maxBytes }) => {
      fetched.push({ url, maxBytes })
      if (typeof o === 'function') return o()
      return Promise.resolve({ status: 200, contentType: 'image/png', body: png(64, 64), ...o })
    },
  })
  return { ...logos, fetched, clock }
}

test(verifies('UIX-09', 'a still PNG, JPEG or WebP becomes a data: URL; anything else is ignored'), async () => {
  const found = async (contentType: string, body: Uint8Array, status = 200): Promise<string | undefined> =>
    (await place({ contentType, body, status }).find(uri))?.replace(/base64,.*/s, '')
  expect(await found('image/png', png(64, 64))).toBe('data:image/png;')
  expect(await found('image/PNG; q=1', png(1024, 1024))).toBe('data:image/png;')
  expect(await found('image/jpeg', jpeg)).toBe('data:image/jpeg;')
  expect(await found('image/webp', lossless)).toBe('data:image/webp;')
  expect(await found('image/webp', extended('10'))).toBe('data:image/webp;')

  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
  expect(await found('image/svg+xml', svg)).toBeUndefined()
  expect(await found('image/png', svg)).toBeUndefined()
  expect(await found('image/gif', Buffer.from('GIF89a0000'))).toBeUndefined()
  expect(await found('image/png', jpeg)).toBeUndefined()
  expect(await found('text/html', png(64, 64))).toBeUndefined()
  expect(await found('image/png', png(1025, 64))).toBeUndefined()
  expect(await found('image/png', png(64, 50_000))).toBeUndefined()
  expect(await found('image/png', png(0, 64))).toBeUndefined()
  expect(await found('image/png', png(64, 64, 'acTL'))).toBeUndefined()
  expect(await found('image/webp', extended('02'))).toBeUndefined()
  expect(await found('image/png', png(64, 64), 404)).toBeUndefined()
  expect(await found('image/png', Buffer.concat([png(64, 64), Buffer.alloc(64 * 1024)]))).toBeUndefined()
  for (let cut = 0; cut < 41; cut++) expect(await found('image/png', png(64, 64).subarray(0, cut))).toBeUndefined()
  for (let cut = 0; cut < 28; cut++) expect(await found('image/jpeg', jpeg.subarray(0, cut))).toBeUndefined()
})

test('a picture is fetched at most once an hour, and a missing one at most once in five minutes', async () => {
  const there = place({})
  await Promise.all([there.find(uri), there.find(uri)])
  there.clock.now += 3599
  await there.find(uri)
  expect(there.fetched).toEqual([{ url: uri, maxBytes: 65_536 }])
  there.clock.now += 1
  await there.find(uri)
  expect(there.fetched).toHaveLength(2)

  const missing = place({ status: 404 })
  await missing.find(uri)
  missing.clock.now += 299
  await missing.find(uri)
  expect(missing.fetched).toHaveLength(1)
  missing.clock.now += 1
  await missing.find(uri)
  expect(missing.fetched).toHaveLength(2)
  expect(await missing.find(undefined)).toBeUndefined()
})

test('a picture that is slow or refused delays no page, and few are fetched at once', async () => {
  let arrive: (document: FetchedDocument) => void = () => undefined
  const slow = place(() => new Promise(resolve => (arrive = resolve)))
  expect(await slow.find(uri)).toBeUndefined()
  arrive({ status: 200, contentType: 'image/png', body: png(64, 64) })
  await new Promise(resolve => setImmediate(resolve))
  expect(await slow.find(uri)).toMatch(/^data:image\/png;base64,/)

  expect(await place(() => Promise.reject(new Error('refused'))).find(uri)).toBeUndefined()
  const many = place(() => new Promise(() => undefined))
  await Promise.all(Array.from({ length: 100 }, (_, index) => many.find(`https://agent${index}.example/logo`)))
  expect(many.fetched).toHaveLength(16)
  const ofOne = place(() => new Promise(() => undefined))
  await Promise.all(Array.from({ length: 100 }, (_, index) => ofOne.find(`https://a${index}.evil.example/logo`)))
  expect(ofOne.fetched).toHaveLength(2)
})

test(verifies('UIX-09', 'no picture is fetched without TLS or from a private network'), async ({ onTestFinished }) => {
  let asked = 0
  const server = createServer((_, response) => {
    asked += 1
    response.writeHead(200, { 'content-type': 'image/png' }).end(png(64, 64))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const logos = claimedLogos({ now: () => 1000 })
  const inside = ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '127.1', '2130706433', '0.0.0.0']
  const others = ['10.0.0.1', '169.254.169.254', '192.168.1.1', '[fd00::1]', '[fe80::1]', '100.64.0.1']
  const urls = [
    ...inside.flatMap(host => [`http://${host}:${port}/logo.png`, `https://${host}:${port}/logo.png`]),
    ...others.map(host => `https://${host}/logo.png`),
    'http://agent.example/logo.png',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
  ]
  for (const url of urls) expect(await logos.find(url), url).toBeUndefined()
  expect(asked).toBe(0)
  // The twin: where loopback is allowed, it is found.
  const development = claimedLogos({ now: () => 1000, development: true })
  expect(await development.find(`http://127.0.0.1:${port}/logo.png`)).toMatch(/^data:image\/png;base64,/)
  expect(asked).toBe(1)
})
