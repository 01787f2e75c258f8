import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { verifies } from '@countersign/requirements'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { httpHost, httpsHost, listen, ok, pem, tcpHost } from './host.test.fixture.js'
import { guardedFetcher } from './node.js'

const maxBytes = 1024
const refusal = { name: 'AAuthError', code: 'discovery_failed', status: 401 }
const loopback = { dangerouslyAllowLoopback: true, ca: pem('authority'), resolve: async () => ['127.0.0.1'] }
const open = guardedFetcher(loopback)
const quick = guardedFetcher({ ...loopback, timeout: 0.3 })
const text = (body: Uint8Array) => new TextDecoder().decode(body)

/** A host that answers every request with these bytes, then closes the connection or leaves it open. */
async function answering(bytes: string | Uint8Array, o: { readonly stays?: true } = {}) {
  const host = await tcpHost(socket => {
    socket.once('data', () => (o.stays ? socket.write(bytes) : socket.end(bytes)))
  })
  return { ...host, url: `http://localhost:${host.port}/` }
}
const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'
const whole = `${head}content-length: 2\r\n\r\n{}`
const twin = async () => expect(text((await open((await answering(whole)).url, { maxBytes })).body)).toBe('{}')

describe(
  verifies('DSC-13', 'discovery.sizes', 'a decompression bomb in any coding, or in several, is refused unread'),
  () => {
    const zeros = Buffer.alloc(8 * 1024 * 1024)
    // No encoder of Node 20 makes zstd; nothing looks further than its name.
    const zstd = Buffer.from('28b52ffd', 'hex')
    test.each([
      ['gzip', gzipSync(zeros)],
      ['x-gzip', gzipSync(zeros)],
      ['deflate', deflateSync(zeros)],
      ['br', brotliCompressSync(zeros)],
      ['zstd', zstd],
      ['gzip, gzip', gzipSync(gzipSync(zeros))],
      ['identity, br', brotliCompressSync(zeros)],
      ['GZIP', gzipSync(zeros)],
      ['', Buffer.from('{}')],
      ['aes128gcm', Buffer.from('{}')],
    ])('%s', async (coding, body) => {
      const bytes = Buffer.concat([
        Buffer.from(`${head}content-encoding: ${coding}\r\ncontent-length: ${body.length}\r\n\r\n`),
        body,
      ])
      const { url } = await answering(bytes)
      await expect(open(url, { maxBytes: 64 * 1024 * 1024 })).rejects.toMatchObject(refusal)
      await twin()
    })

    test('said twice', async () => {
      const { url } = await answering(`${head}content-encoding: identity\r\ncontent-encoding: gzip\r\n\r\n{}`)
      await expect(open(url, { maxBytes })).rejects.toMatchObject(refusal)
      await twin()
    })

    test('as a transfer coding: the encoded bytes count, and are not unpacked', async () => {
      const packed = gzipSync(zeros)
      const chunk = Buffer.concat([
        Buffer.from(`${packed.length.toString(16)}\r\n`),
        packed,
        Buffer.from('\r\n0\r\n\r\n'),
      ])
      const { url } = await answering(
        Buffer.concat([Buffer.from(`${head}transfer-encoding: gzip, chunked\r\n\r\n`), chunk]),
      )
      const { body } = await open(url, { maxBytes: packed.length })
      expect(body.length).toBe(packed.length)
    })
  },
)

describe(verifies('DSC-12', 'discovery.sizes', 'a length that lies'), () => {
  test.each([
    ['beside chunks', `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ['twice, differently', `${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{} `],
    ['negative', `${head}content-length: -1\r\n\r\n{}`],
    ['beyond every number', `${head}content-length: ${'9'.repeat(40)}\r\n\r\n{}`],
    ['more than comes', `${head}content-length: 9\r\n\r\n{}`],
    ['a chunk that ends early', `${head}transfer-encoding: chunked\r\n\r\nff\r\n{}`],
    ['chunks without an end', `${head}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`],
    ['a chunk size that is none', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
  ])('%s is no document', async (_, bytes) => {
    const { url } = await answering(bytes)
    await expect(open(url, { maxBytes })).rejects.toThrow()
    await twin()
  })

  test('shorter than the body: the rest is not read', async () => {
    const { url } = await answering(`${head}content-length: 2\r\n\r\n{}{"keys":[]}`)
    expect(text((await open(url, { maxBytes })).body)).toBe('{}')
  })

  test('larger than the limit: refused before a byte of the body is read', async () => {
    const host = await answering(`${head}content-length: 1025\r\n\r\n`, { stays: true })
    await expect(open(host.url, { maxBytes })).rejects.toMatchObject(refusal)
    await expect.poll(host.open).toBe(0)
  })
})

describe(verifies('DSC-15', 'a malformed response'), () => {
  test.each([
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'],
    ['HTTP/0.9', '{"keys":[]}'],
    ['HTTP/2 unasked', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['nothing', ''],
    ['a banner of another service', '-ERR unknown command\r\n'],
    ['a folded header', `${head}x: a\r\n b\r\n\r\n{}`],
    ['bare line feeds', 'HTTP/1.1 200 OK\ncontent-type: application/json\n\n{}'],
  ])('%s', async (_, bytes) => {
    const { url } = await answering(bytes)
    await expect(quick(url, { maxBytes })).rejects.toThrow()
    await twin()
  })

  test('early hints before the response do not extend the deadline', async () => {
    const hint = 'HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n'
    expect((await open((await answering(hint.repeat(3) + whole)).url, { maxBytes })).status).toBe(200)
    const endless = await answering(hint.repeat(100), { stays: true })
    await expect(quick(endless.url, { maxBytes })).rejects.toThrow('the fetch took too long')
    await expect.poll(endless.open).toBe(0)
  })
})

describe(verifies('DSC-14', 'discovery.deadline', 'the one deadline holds at every stage'), () => {
  test('a connection that is never accepted', async () => {
    // A listener whose thread sleeps: once its short queue is full the kernel answers no SYN.
    const source = `
      const { parentPort } = require('node:worker_threads')
      const server = require('node:net').createServer()
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        parentPort.postMessage(server.address().port)
        setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
      })`
    const worker = new Worker(source, { eval: true })
    onTestFinished(async () => void (await worker.terminate()))
    const [port] = (await once(worker, 'message')) as [number]
    for (let i = 0; i < 6; i++) {
      const filler = connect(port, '127.0.0.1')
      filler.on('error', () => undefined)
      onTestFinished(() => void filler.destroy())
    }
    await new Promise(resolve => setTimeout(resolve, 50))
    const began = performance.now()
    await expect(quick(`https://agent.example:${port}/`, { maxBytes })).rejects.toThrow('the fetch took too long')
    expect(performance.now() - began).toBeLessThan(1500)
  })

  test('a TLS handshake that comes byte by byte', async () => {
    const slow = await tcpHost(socket => {
      const timer = setInterval(() => socket.write(Buffer.from([22])), 20)
      socket.on('close', () => clearInterval(timer))
      socket.resume()
    })
    const began = performance.now()
    await expect(quick(`https://agent.example:${slow.port}/`, { maxBytes })).rejects.toThrow()
    expect(performance.now() - began).toBeLessThan(1500)
    await expect.poll(slow.open).toBe(0)
  })

  test('headers that come byte by byte', async () => {
    const slow = await tcpHost(socket => {
      socket.once('data', () => {
        let at = 0
        const timer = setInterval(() => socket.write(`${head}x: ${'y'.repeat(1e4)}`.charAt(at++)), 10)
        socket.on('close', () => clearInterval(timer))
      })
    })
    await expect(quick(`http://localhost:${slow.port}/`, { maxBytes })).rejects.toThrow('the fetch took too long')
    await expect.poll(slow.open).toBe(0)
  })

  test('chunks of one byte, each of them in time', async () => {
    const slow = await httpHost((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const timer = setInterval(() => response.write(' '), 10)
      request.socket.on('close', () => clearInterval(timer))
    })
    await expect(quick(`http://localhost:${slow.port}/`, { maxBytes })).rejects.toThrow('the fetch took too long')
    await expect.poll(slow.open).toBe(0)
  })

  test('and an aborted signal ends it sooner', async () => {
    const mute = await tcpHost()
    const stop = new AbortController()
    const fetching = open(`http://localhost:${mute.port}/`, { maxBytes, signal: stop.signal })
    await expect.poll(mute.open).toBe(1)
    stop.abort(new Error('nobody waits'))
    await expect(fetching).rejects.toThrow('nobody waits')
    await expect.poll(mute.open).toBe(0)
    await expect(open(`http://localhost:${mute.port}/`, { maxBytes, signal: stop.signal })).rejects.toThrow(
      'nobody waits',
    )
    expect(mute.connections()).toBe(1)
  })
})

describe('the environment does not weaken the guard', () => {
  afterEach(() => vi.unstubAllEnvs())

  test(verifies('DSC-11', 'discovery.https', 'a switch that turns verification off in all of Node'), async () => {
    const host = await httpsHost(ok, { cert: pem('self-signed') })
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    await expect(open(`https://agent.example:${host.port}/`, { maxBytes })).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
    vi.unstubAllEnvs()
    const good = await httpsHost(ok)
    expect((await open(`https://agent.example:${good.port}/`, { maxBytes })).status).toBe(200)
  })

  test(verifies('discovery.pinned', 'a proxy'), async () => {
    const proxy = await tcpHost()
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'NODE_USE_ENV_PROXY'])
      vi.stubEnv(name, name === 'NODE_USE_ENV_PROXY' ? '1' : `http://127.0.0.1:${proxy.port}`)
    const host = await httpsHost(ok)
    expect((await open(`https://agent.example:${host.port}/`, { maxBytes })).status).toBe(200)
    expect(proxy.connections()).toBe(0)
  })
})

describe(verifies('discovery.pinned', 'DSC-05', 'the connection goes to the address that was checked'), () => {
  /** Two hosts at one port: the one of the first DNS answer, and the one of a second answer. */
  async function pair() {
    const checked = await httpsHost(ok)
    const rebound = await listen(createServer(), { address: '127.0.0.2', port: checked.port })
    return { checked, rebound, port: checked.port }
  }

  test('whatever the resolver says afterwards', async () => {
    const { checked, rebound, port } = await pair()
    let asked = 0
    const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['127.0.0.2'])
    const fetcher = guardedFetcher({ ...loopback, resolve })
    expect((await fetcher(`https://agent.example:${port}/`, { maxBytes })).status).toBe(200)
    expect([asked, checked.connections(), rebound.connections()]).toEqual([1, 1, 0])
  })

  test('and each fetch checks anew: a name that has moved to a private address since is refused', async () => {
    const host = await httpsHost(ok)
    let asked = 0
    const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1', '127.0.0.1'])
    const fetcher = guardedFetcher({ ...loopback, resolve })
    const url = `https://agent.example:${host.port}/`
    expect((await fetcher(url, { maxBytes })).status).toBe(200)
    await expect(fetcher(url, { maxBytes })).rejects.toMatchObject(refusal)
    expect(host.connections()).toBe(1)
  })

  test('a name whose first address does not answer is reached at its next', async () => {
    const host = await httpsHost(ok)
    const fetcher = guardedFetcher({ ...loopback, resolve: async () => ['::1', '127.0.0.3', '127.0.0.1'] })
    expect((await fetcher(`https://agent.example:${host.port}/`, { maxBytes })).status).toBe(200)
  })
})

test(
  verifies('DSC-10', 'discovery.guarded', 'every port that the Fetch standard blocks is refused, on loopback too'),
  async () => {
    // https://fetch.spec.whatwg.org/#port-blocking
    const blocked = [
      0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
      110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
      532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
      5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    ]
    const asked: string[] = []
    const resolve = async (host: string) => {
      asked.push(host)
      return []
    }
    for (const port of blocked) {
      for (const host of ['agent.example', 'localhost']) {
        const fetched = guardedFetcher({ ...loopback, resolve })(`https://${host}:${port}/`, { maxBytes })
        await expect(fetched, `${host}:${port}`).rejects.toMatchObject(refusal)
      }
    }
    expect(asked).toEqual([])
    await expect(guardedFetcher({ resolve })('https://agent.example:8443/', { maxBytes })).rejects.toMatchObject(
      refusal,
    )
    expect(asked).toEqual(['agent.example'])
  },
)
