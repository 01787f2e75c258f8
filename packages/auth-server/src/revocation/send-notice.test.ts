import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { createDiscovery, type Discovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { fixedKeys } from '@countersign/store/internal'
import { makeWeb, publishResource } from '@countersign/testing/world/web'
import { afterEach, describe, expect, test } from 'vitest'
import { type NoticeAnswer, noticeSender } from './send-notice.js'

const ends: Array<() => unknown> = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

const now = (): number => Date.now() / 1000

/** Sends a notice to a resource whose metadata name this endpoint. */
async function tell(url: string, development: boolean): Promise<NoticeAnswer> {
  const discovery = { resource: async () => ({ revocation_endpoint: url }) } as unknown as Discovery
  const keys = fixedKeys([{ kid: 'a1', key: await generateSigningKey() }])
  const sender = noticeSender({ issuer: 'https://auth.example', keys, discovery, now, development })
  return sender({ resource: 'https://calendar.example', grant_name: 'g1', exp: Math.ceil(now()) + 3600 })
}

/** The endpoint of a resource that answers so. */
async function endpoint(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  ends.push(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://localhost:${(server.address() as AddressInfo).port}/revoked`
}

describe('a resource that answers a notice', () => {
  test.each([
    { what: 'with 204', status: 204, headers: {}, outcome: 'told' },
    { what: 'with 200', status: 200, headers: {}, outcome: 'failed' },
    { what: 'with 400', status: 400, headers: {}, outcome: 'failed' },
    { what: 'with 403', status: 403, headers: {}, outcome: 'failed' },
    { what: 'that it be left alone', status: 503, headers: { 'retry-after': '1000000000' }, outcome: 'failed' },
    { what: 'with a page', status: 500, headers: { 'content-type': 'text/html' }, outcome: 'failed' },
  ])(verifies('REV-19', '$what is known by its status only'), async ({ status, headers, outcome }) => {
    const url = await endpoint((_, response) => {
      response.writeHead(status, headers)
      response.end(status === 204 ? undefined : '<script>alert(1)</script>')
    })
    expect(await tell(url, true)).toEqual({ outcome, status })
  })

  test(verifies('REV-19', 'with another address is not followed there'), async () => {
    let asked = 0
    const other = await endpoint((_, response) => {
      asked += 1
      response.writeHead(204).end()
    })
    const url = await endpoint((_, response) => response.writeHead(301, { location: other }).end())
    expect(await tell(url, true)).toEqual({ outcome: 'failed', status: 301 })
    expect(asked).toBe(0)
  })

  test(verifies('REV-19', 'byte by byte, or without end, is given up after 5 seconds'), async () => {
    let sent = 0
    const [drip, flood] = await Promise.all([
      endpoint((_, response) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write('x'), 1000)
        ends.push(() => clearInterval(timer))
      }),
      endpoint((request, response) => {
        const more = (): void => {
          while (sent < 10e6 && response.write(Buffer.alloc(65_536))) sent += 65_536
        }
        response.writeHead(200).on('drain', more)
        request.resume()
        more()
      }),
    ])
    const began = performance.now()
    const answers = await Promise.all([tell(drip, true), tell(flood, true)])
    expect(answers.map(({ outcome }) => outcome)).toEqual(['failed', 'failed'])
    expect(performance.now() - began).toBeLessThan(7000)
    expect(sent).toBeLessThan(10e6)
  })
})

describe('an endpoint', () => {
  test(verifies('REV-20', 'at a private address gets no packet'), async () => {
    let connections = 0
    const server = createSocketServer(socket => {
      connections += 1
      socket.destroy()
    })
    ends.push(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const url of [`https://localhost:${port}/revoked`, `https://127.0.0.1:${port}/revoked`])
      expect(await tell(url, false)).toEqual({ outcome: 'failed', status: null })
    expect(connections).toBe(0)
  })

  test.each([
    'https://evil.example/revoked',
    'http://calendar.example/revoked',
    'https://calendar.example/revoked?a=b',
  ])(verifies('REV-20', '%s refuses the document, and gets no packet'), async revocation_endpoint => {
    const web = makeWeb()
    publishResource(web, 'https://calendar.example', [{ kid: 'r1', key: await generateSigningKey() }], {
      revocation_endpoint,
    })
    const sent: string[] = []
    const sender = noticeSender({
      issuer: 'https://auth.example',
      keys: fixedKeys([{ kid: 'a1', key: await generateSigningKey() }]),
      now,
      discovery: createDiscovery({ fetcher: web.fetcher, now }),
      development: false,
      async fetch(input) {
        sent.push(String(input))
        return new Response(null, { status: 204 })
      },
    })
    const notice = { resource: 'https://calendar.example', grant_name: 'g1', exp: Math.ceil(now()) + 3600 }
    expect(await sender(notice)).toEqual({ outcome: 'failed', status: null })
    expect(sent).toEqual([])
  })
})
