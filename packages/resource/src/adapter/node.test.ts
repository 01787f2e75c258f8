import { once } from 'node:events'
import { createServer } from 'node:http'
import {
  connect as connect2,
  createServer as createServer2,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { text } from 'node:stream/consumers'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import type { Wire } from '@countersign/testing/wire'
import { asKey } from '@countersign/testing/world/signer'
import { afterAll, expect, test } from 'vitest'
import { listening, type Site } from '../site.test.fixture.js'
import { makeWorld } from '../world.test.fixture.js'
import { guard } from './node.js'

const world = await makeWorld()
const as = asKey(await generateSigningKey())
const sites: Site[] = []
afterAll(async () => {
  for (const site of sites) await site.stop()
})

async function serve(server: Parameters<typeof listening>[0]): Promise<Site> {
  const site = await listening(server)
  sites.push(site)
  return site
}

const unsigned: Wire = { method: 'GET', target: '/', headers: [['host', 'calendar.example']] }

test('an error of a handler is answered with 500, or cuts the response off, and the promise rejects', async () => {
  const thrown: string[] = []
  const guarded = guard(world.calendar(), { level: 'anonymous' }, (request, response) => {
    if (request.url === '/half') response.writeHead(200, { 'content-length': 10 }).write('half')
    throw new Error('secret')
  })
  const { send } = await serve(
    createServer((request, response) => {
      guarded(request, response).catch((error: Error) => thrown.push(error.message))
    }),
  )
  const answer = await send(unsigned)
  expect([answer.status, answer.error, answer.reason]).toEqual([500, 'server_error', 'internal_error'])
  expect(answer.body).not.toContain('secret')
  expect((await send({ ...unsigned, target: '/half' }).catch(() => ({ body: '' }))).body).not.toHaveLength(10)
  expect(thrown).toEqual(['secret', 'secret'])
})

test(
  verifies('cache.private', 'cache.vary', 'are set once, however the head is written, and beside earlier headers'),
  async () => {
    let way = 0
    const guarded = guard(world.calendar(), { level: 'anonymous' }, (_, response) => {
      response.setHeader('Cache-Control', 'public')
      response.setHeader('Vary', ['Accept', 'Origin'])
      response.setHeader('Set-Cookie', ['a=1', 'b=2'])
      if (way === 0) response.end()
      if (way === 1) response.writeHead(200).end()
      if (way === 2) response.writeHead(200, { 'Cache-Control': 'max-age=1', 'X-Two': 2 }).end()
      if (way === 3) response.writeHead(200, [['Cache-Control', 's-maxage=9, no-transform']] as never).end()
      if (way === 4) response.flushHeaders()
      if (way === 4) response.end('later')
      if (way === 5) response.writeHead(200, 'Fine').end()
    })
    const { send } = await serve(createServer((request, response) => void guarded(request, response)))
    const expected = ['private', 'private', 'private, max-age=1', 'private, no-transform', 'private', 'private']
    for (way = 0; way < expected.length; way += 1) {
      const { headers } = await send(unsigned)
      expect(headers.get('cache-control'), String(way)).toBe(expected[way])
      expect([headers.get('vary'), headers.get('set-cookie')]).toEqual(['Accept, Origin, Signature-Key', 'a=1, b=2'])
      expect(headers.get('x-two')).toBe(way === 2 ? '2' : undefined)
    }
  },
)

test(verifies('SIG-23', 'DIG-12', 'sig.body.uncovered', 'over h2 the verdict and the body are the same'), async () => {
  const guarded = guard(
    world.calendar(),
    { level: 'pseudonymous' },
    async (request: Http2ServerRequest, response: Http2ServerResponse, aauth) => {
      response.end(`${aauth.level} ${await text(request)}`)
    },
  )
  const server = createServer2((request, response) => void guarded(request, response))
  await serve(server)
  const port = (server.address() as { port: number }).port
  const exchange = async ({ method, target, headers, body }: Wire) => {
    const client = connect2(`http://127.0.0.1:${port}`)
    const fields = Object.fromEntries(headers.filter(([name]) => name !== 'host'))
    const stream = client.request({
      ...fields,
      ':method': method,
      ':path': target,
      ':authority': 'calendar.example',
    })
    stream.end(body)
    const [head] = await once(stream, 'response')
    const answer = [head[':status'], await text(stream), head['vary']]
    client.close()
    return answer
  }
  const wire = await world.request({ as, method: 'POST', target: '/a?b=c', body: '{"a":1}' })
  expect(await exchange(wire)).toEqual([200, 'pseudonymous {"a":1}', 'Signature-Key'])
  const other = await world.request({ as, method: 'POST', target: '/a?b=c', body: '{"a":1}' })
  expect((await exchange({ ...other, body: Buffer.from('{"a":2}') }))[0]).toBe(401)
  const bare = await world.request({ as, method: 'POST', target: '/a' })
  expect((await exchange({ ...bare, body: Buffer.from('x') }))[0]).toBe(401)
  expect((await exchange(bare))[0]).toBe(200)
})
