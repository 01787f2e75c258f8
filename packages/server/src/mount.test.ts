import { createServer, type RequestListener } from 'node:http'
import { readBody } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { listenOn } from '@countersign/testing/listening'
import { afterAll, expect, test } from 'vitest'
import { type MountableParticipant, mountFetch, mountHono, mountNode } from './index.js'
import { exchangeBytes } from './serve.test.fixture.js'

const servers: Array<ReturnType<typeof createServer>> = []
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

async function listening(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  servers.push(server)
  const portOfServer = await listenOn(server)
  return portOfServer
}

/** Tells what reached it. */
const participant: MountableParticipant = {
  paths: ['/own', '/own/token'],
  async handle(message) {
    const { method, target, headers, body } = await readBody(message)
    const seen = { method, target, lines: headers.filter(([name]) => name.toLowerCase() === 'x-line').length }
    return Response.json({ ...seen, body: body === undefined ? null : new TextDecoder().decode(body) }, { status: 201 })
  },
}

const site: RequestListener = (request, response) => {
  const chunks: Uint8Array[] = []
  request.on('data', chunk => chunks.push(chunk)).on('end', () => response.end(`site: ${Buffer.concat(chunks)}`))
}

const own = { method: 'POST', body: 'abc', headers: { 'content-type': 'text/plain' } }

test('node: its own paths are answered, all others go on to the site with their body', async () => {
  const mounted = mountNode(participant)
  const port = await listening(async (request, response) => {
    if (!(await mounted(request, response))) site(request, response)
  })
  const url = `http://127.0.0.1:${port}`
  const response = await fetch(`${url}/own/token?x=1`, own)
  expect(response.status).toBe(201)
  expect(await response.json()).toEqual({ method: 'POST', target: '/own/token?x=1', lines: 0, body: 'abc' })
  for (const path of ['/', '/own/', '/OWN', '/own/token/x', '/%6fwn', '//own'])
    expect(await (await fetch(url + path, own)).text(), path).toBe('site: abc')
  const head = await fetch(`${url}/own`, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([201, ''])
})

test(
  verifies('revocation.streams', 'node: a stream that ends with its grant is cut, and rejects nothing'),
  async () => {
    const ending: MountableParticipant = {
      paths: ['/own'],
      async handle() {
        let count = 0
        return new Response(
          new ReadableStream({
            async pull(controller) {
              await new Promise(resolve => setTimeout(resolve, 10))
              if (count++ === 3) controller.error(new Error('the grant of this request has ended'))
              else controller.enqueue(new TextEncoder().encode('data: x\n\n'))
            },
          }),
        )
      },
    }
    const mounted = mountNode(ending)
    const ended: Array<Promise<unknown>> = []
    const port = await listening((request, response) => void ended.push(mounted(request, response)))
    const answer = await fetch(`http://127.0.0.1:${port}/own`)
    await expect(answer.text()).rejects.toThrow()
    expect(await Promise.all(ended)).toEqual([true])
  },
)

test(
  verifies('error.body-too-large', 'node: the message arrives line by line, and a body over the limit is 413'),
  async () => {
    const mounted = mountNode(participant, { bodyLimit: 4 })
    const port = await listening((request, response) => void mounted(request, response))
    const head = 'Host: a.example\r\nConnection: close\r\n'
    const two = await exchangeBytes(port, `GET /own HTTP/1.1\r\n${head}X-Line: 1\r\nX-Line: 2\r\n\r\n`)
    expect(two).toContain('"lines":2')
    const large = await exchangeBytes(port, `POST /own HTTP/1.1\r\n${head}Content-Length: 5\r\n\r\nabcde`)
    expect(large).toMatch(/^HTTP\/1.1 413 /)
    expect(large).toContain('"error":"invalid_request"')
    const fits = await exchangeBytes(port, `POST /own HTTP/1.1\r\n${head}Content-Length: 4\r\n\r\nabcd`)
    expect(fits).toMatch(/^HTTP\/1.1 201 /)
  },
)

test(
  verifies('DIG-13', 'node: behind something that read the body nothing is answered as if there were none'),
  async () => {
    const mounted = mountNode(participant)
    const port = await listening((request, response) => {
      request.once('data', () => void mounted(request, response, error => response.end(`next: ${String(error)}`)))
    })
    const read = await fetch(`http://127.0.0.1:${port}/own`, own)
    expect(await read.text()).toMatch(/^next: TypeError: the body was read before/)
    const elsewhere = await fetch(`http://127.0.0.1:${port}/elsewhere`, own)
    expect(await elsewhere.text()).toBe('next: undefined')
  },
)

test('fetch: its own paths are answered, for all others it answers undefined and reads nothing', async () => {
  const mounted = mountFetch(participant)
  const response = await mounted(new Request('https://a.example/own?x=1', own))
  expect(await response?.json()).toEqual({ method: 'POST', target: '/own?x=1', lines: 0, body: 'abc' })
  for (const path of ['/', '/own/', '/OWN', '/%6fwn']) {
    const request = new Request(`https://a.example${path}`, own)
    expect(await mounted(request), path).toBeUndefined()
    expect(request.bodyUsed).toBe(false)
  }
  const large = await mountFetch(participant, { bodyLimit: 2 })(new Request('https://a.example/own', own))
  expect(large?.status).toBe(413)
})

test('hono: over a Fetch request where the server shows no other', async () => {
  const mounted = mountHono(participant)
  let passed = 0
  const next = async (): Promise<void> => void passed++
  for (const env of [undefined, null, {}, { incoming: undefined }, { incoming: {} }]) {
    const response = await mounted({ req: { raw: new Request('https://a.example/own', own) }, env }, next)
    expect(await response?.json()).toMatchObject({ target: '/own', body: 'abc' })
    expect(await mounted({ req: { raw: new Request('https://a.example/x', own) }, env }, next)).toBeUndefined()
  }
  expect(passed).toBe(5)
})
