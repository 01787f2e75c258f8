import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { httpHost, httpsHost, ok, pem, tcpHost } from './host.test.fixture.js'
import { guardedFetcher } from './node.js'

const maxBytes = 1024
const resolve = async () => ['127.0.0.1']
const loopback = { dangerouslyAllowLoopback: true, ca: pem('authority'), resolve }
const open = guardedFetcher(loopback)
const quick = guardedFetcher({ ...loopback, timeout: 0.3 })
const refusal = { name: 'AAuthError', code: 'discovery_failed', reason: 'document_too_large', status: 401 }
const type = { 'content-type': 'application/json' }

const answering = async (handler: RequestListener) => {
  const host = await httpHost(handler)
  return { ...host, url: `http://localhost:${host.port}/` }
}
const raw = async (head: string, keepOpen = false) => {
  const host = await tcpHost(socket => {
    socket.once('data', () => (keepOpen ? socket.write(head) : socket.end(head)))
  })
  return { ...host, url: `http://localhost:${host.port}/` }
}

test(
  verifies('discovery.no-redirects', 'DSC-08', 'SCH-09', 'a redirect is returned as its status, never followed'),
  async () => {
    const inside = await httpHost(ok)
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `http://localhost:${inside.port}/`
      const { url } = await answering((_, response) =>
        response.writeHead(status, { location, ...type }).end('{"ok":true}'),
      )
      const document = await open(url, { maxBytes })
      expect(document).toMatchObject({ status, body: new Uint8Array() })
    }
    expect(inside.connections()).toBe(0)
    expect((await open(`http://localhost:${inside.port}/`, { maxBytes })).status).toBe(200)
  },
)

describe(verifies('DSC-12', 'discovery.sizes', 'a body over its limit is cut off'), () => {
  const body = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`
  test.each([
    ['with its length said', 1024, true],
    ['in chunks', 1024, false],
  ])('%s', async (_, limit, said) => {
    const send =
      (bytes: number): RequestListener =>
      (_request, response) => {
        response.writeHead(200, { ...type, ...(said && { 'content-length': bytes }) })
        if (!said) response.write(' ')
        response.end(body(said ? bytes : bytes - 1))
      }
    const [fits, over] = [await answering(send(limit)), await answering(send(limit + 1))]
    expect((await open(fits.url, { maxBytes: limit })).body.length).toBe(limit)
    await expect(open(over.url, { maxBytes: limit })).rejects.toMatchObject(refusal)
  })

  test('endless', async () => {
    let sent = 0
    const host = await answering((request, response) => {
      response.writeHead(200, type)
      const more = () => {
        while (!request.socket.destroyed && response.write('x'.repeat(1024))) sent += 1024
        sent += 1024
      }
      response.on('drain', more)
      more()
    })
    await expect(open(host.url, { maxBytes })).rejects.toMatchObject(refusal)
    await expect.poll(host.open).toBe(0)
    expect(sent).toBeLessThan(16 * 1024 * 1024)
  })

  test('shorter than its Content-Length', async () => {
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:`
    const [short, whole] = [await raw(`${head} 9\r\n\r\n{}`), await raw(`${head} 2\r\n\r\n{}`)]
    await expect(open(short.url, { maxBytes })).rejects.toThrow()
    expect((await open(whole.url, { maxBytes })).body.length).toBe(2)
  })
})

test(verifies('DSC-13', 'discovery.sizes', 'a compressed body, never asked for, is refused unread'), async () => {
  let asked: unknown
  const bomb = gzipSync(Buffer.alloc(4 * 1024 * 1024))
  const send = (encoding: string) =>
    answering((request, response) => {
      asked = request.headers['accept-encoding']
      response.writeHead(200, { ...type, 'content-encoding': encoding }).end(encoding === 'identity' ? '{}' : bomb)
    })
  for (const encoding of ['gzip', 'br', 'zstd', 'deflate', 'identity, gzip']) {
    const { url } = await send(encoding)
    await expect(open(url, { maxBytes: 1e9 }), encoding).rejects.toMatchObject(refusal)
  }
  expect((await open((await send('identity')).url, { maxBytes })).body.length).toBe(2)
  expect(asked).toBe('identity')
})

describe(
  verifies('DSC-14', 'discovery.deadline', 'one deadline for the whole fetch, and the connection is closed'),
  () => {
    const within = async (url: string, fetcher = quick) => {
      const began = performance.now()
      await expect(fetcher(url, { maxBytes })).rejects.toThrow('the fetch took too long')
      expect(performance.now() - began).toBeLessThan(2000)
    }

    test('a body that comes byte by byte', async () => {
      const slow = await answering((request, response) => {
        response.writeHead(200, type)
        const timer = setInterval(() => response.write(' '), 20)
        request.socket.on('close', () => clearInterval(timer))
      })
      await within(slow.url)
      await expect.poll(slow.open).toBe(0)
    })

    test('headers that never end, and none at all', async () => {
      const endless = await raw('HTTP/1.1 200 OK\r\nx-a: 1\r\n', true)
      await within(endless.url)
      await expect.poll(endless.open).toBe(0)
      const mute = await tcpHost()
      await within(`http://localhost:${mute.port}/`)
      await expect.poll(mute.open).toBe(0)
    })

    test('a TLS handshake that hangs', async () => {
      const mute = await tcpHost()
      await within(`https://agent.example:${mute.port}/`)
      await expect.poll(mute.open).toBe(0)
    })

    test('a resolver that does not answer', async () => {
      const never = () => new Promise<string[]>(() => undefined)
      await within('https://agent.example/', guardedFetcher({ resolve: never, timeout: 0.3 }))
    })

    test('the twin in time passes', async () => {
      const { url } = await answering(ok)
      expect((await quick(url, { maxBytes })).status).toBe(200)
    })

    test('a timeout out of range throws at construction', () => {
      for (const timeout of [0, -1, 61, Number.NaN]) expect(() => guardedFetcher({ timeout })).toThrow(RangeError)
    })
  },
)

test(
  verifies('DSC-15', 'discovery.media-type', 'with another status or media type no byte of the body is read'),
  async () => {
    const odd: ReadonlyArray<[number, string]> = [
      ...([
        [204, 'application/json'],
        [206, 'application/json'],
        [404, 'application/json'],
      ] as const),
      ...([
        [500, 'application/json'],
        [200, 'text/html'],
        [200, 'text/plain'],
        [200, 'application/jsonp'],
      ] as const),
      ...([
        [200, 'application/json-seq'],
        [200, 'text/html;application/json'],
      ] as const),
    ].map(([status, media]) => [status, media])
    for (const [status, contentType] of odd) {
      const { url } = await answering((_, response) =>
        response.writeHead(status, { 'content-type': contentType }).end(status === 204 ? undefined : '{"ok":true}'),
      )
      expect(await open(url, { maxBytes })).toEqual({ status, contentType, body: new Uint8Array() })
    }
    const untyped = await answering((_, response) => response.end('{}'))
    expect(await open(untyped.url, { maxBytes })).toEqual({ status: 200, contentType: '', body: new Uint8Array() })
    for (const contentType of ['application/json', 'application/jwk-set+json', 'Application/JSON; charset=utf-8']) {
      const { url } = await answering((_, response) =>
        response.writeHead(200, { 'content-type': contentType }).end('{}'),
      )
      expect((await open(url, { maxBytes })).body.length).toBe(2)
    }
  },
)

describe(verifies('DSC-11', 'discovery.https', 'a certificate that does not verify is refused'), () => {
  const get = async (options: Parameters<typeof httpsHost>[1], ca?: string) => {
    const host = await httpsHost(ok, options)
    const fetcher = guardedFetcher({ dangerouslyAllowLoopback: true, resolve, ...(ca !== undefined && { ca }) })
    return fetcher(`https://agent.example:${host.port}/`, { maxBytes })
  }

  test.each([
    ['expired', 'CERT_HAS_EXPIRED'],
    ['other-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ] as const)('%s', async (cert, code) => {
    await expect(get({ cert: pem(cert) }, pem('authority'))).rejects.toMatchObject({ code })
    expect((await get({}, pem('authority'))).status).toBe(200)
  })

  test('an authority that the system does not know', async () => {
    await expect(get({})).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  })

  test('TLS 1.1', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await expect(get(old, pem('authority'))).rejects.toThrow()
    expect((await get({ maxVersion: 'TLSv1.2' }, pem('authority'))).status).toBe(200)
  })

  test('plain http at an https URL', async () => {
    const host = await httpHost(ok)
    await expect(open(`https://agent.example:${host.port}/`, { maxBytes })).rejects.toThrow()
  })
})

test(verifies('DSC-33', 'discovery.nothing-forwarded', 'the request carries no data of the caller'), async () => {
  const seen: string[][] = []
  const host = await httpHost((request, response) => {
    seen.push([`${request.method} ${request.url}`, ...request.rawHeaders])
    response.setHeader('set-cookie', 'a=b')
    ok(request, response)
  })
  const url = `http://localhost:${host.port}/.well-known/aauth-agent?v=1`
  for (let i = 0; i < 2; i++) await open(url, { maxBytes })
  const expected = [
    'GET /.well-known/aauth-agent?v=1',
    'accept',
    'application/json, application/jwk-set+json',
    'accept-encoding',
    'identity',
    'user-agent',
    'aauth',
    'Host',
    `localhost:${host.port}`,
    'Connection',
    'close',
  ]
  expect(seen).toEqual([expected, expected])
  expect(host.connections()).toBe(2)
})

test('Cache-Control is returned', async () => {
  const { url } = await answering((_, response) =>
    response.writeHead(200, { ...type, 'cache-control': 'max-age=60' }).end('{}'),
  )
  expect(await open(url, { maxBytes })).toMatchObject({ cacheControl: 'max-age=60' })
})

test('a header block that is too large is refused', async () => {
  const { url } = await answering((_, response) =>
    response.writeHead(200, { ...type, x: 'y'.repeat(32_768) }).end('{}'),
  )
  await expect(open(url, { maxBytes })).rejects.toThrow()
})

test('with other `mediaTypes`, those are requested and read, and JSON is not', async () => {
  const pictures = guardedFetcher({ ...loopback, mediaTypes: ['image/png', 'image/webp'] })
  const asked: Array<string | undefined> = []
  const answer = async (contentType: string) => {
    const { url } = await answering((request, response) => {
      asked.push(request.headers.accept)
      response.writeHead(200, { 'content-type': contentType }).end('bytes')
    })
    return (await pictures(url, { maxBytes })).body.length
  }
  expect(await answer('image/png')).toBe(5)
  expect(await answer('Image/WebP; q=1')).toBe(5)
  expect(await answer('image/svg+xml')).toBe(0)
  expect(await answer('image/png, text/html')).toBe(0)
  expect(await answer('application/json')).toBe(0)
  expect(new Set(asked)).toEqual(new Set(['image/png, image/webp']))
})
