import { createServer } from 'node:http'
import { verifies } from '@countersign/requirements'
import { expect, onTestFinished, test } from 'vitest'
import { guardedFetch } from './node.js'
import { readDocument } from './read-document.js'
import { targetOf } from './target.js'

/** The URL of a server that answers each connection with these bytes, and leaves it open. */
async function answering(bytes: string): Promise<string> {
  const server = createServer(request => void request.socket.write(bytes))
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => resolve(Object(server.address()).port))
  })
  onTestFinished(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${port}/`
}

const fetched = async (bytes: string): Promise<Response> =>
  guardedFetch({ dangerouslyAllowLoopback: true, maxBytes: 10, timeout: 1 })(await answering(bytes))
const tooLarge = { code: 'discovery_failed', reason: 'document_too_large' }
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

test(verifies('discovery.sizes', 'a response of the most bytes is read'), async () => {
  const whole = await fetched(`HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n${'x'.repeat(10)}`)
  expect(await whole.text()).toHaveLength(10)
  const chunked = await fetched(
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk('x'.repeat(10))}0\r\n\r\n`,
  )
  expect(await chunked.text()).toHaveLength(10)
})

test(verifies('discovery.sizes', 'a response that announces more is refused before its first byte'), async () => {
  await expect(fetched('HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n')).rejects.toMatchObject(tooLarge)
})

test(verifies('discovery.sizes', 'a response without a length is refused at the first byte too many'), async () => {
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
  await expect(fetched(head + chunk('xxxxxx') + chunk('xxxxx'))).rejects.toMatchObject(tooLarge)
  await expect(fetched(`${head}${chunk('x'.repeat(11))}0\r\n\r\n`)).rejects.toMatchObject(tooLarge)
})

test(verifies('discovery.sizes', 'a status that is none of HTTP is refused'), async () => {
  const answer = (status: number): string => `HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`
  await expect(fetched(answer(600))).rejects.toMatchObject({ code: 'discovery_failed', cause: { status: 600 } })
  await expect(fetched(answer(999))).rejects.toMatchObject({ code: 'discovery_failed', cause: { status: 999 } })
  expect((await fetched(answer(599))).status).toBe(599)
})

test.each([201, 203, 206, 300, 301, 302, 400, 401, 403, 404, 410, 418])(
  verifies('id.metadata.location', 'a document that comes with the status %i is none'),
  status => {
    const document = { status, contentType: 'application/json', body: new TextEncoder().encode('{"issuer":"x"}') }
    expect(() => readDocument(document, 100)).toThrow(expect.objectContaining({ reason: 'document_missing' }))
    expect(readDocument({ ...document, status: 200 }, 100)).toEqual({ issuer: 'x' })
  },
)

test.each([
  'https://auth.example/a\tb',
  'https://auth.example/a\nb',
  'https://auth.example/a b',
  'https://auth.example/a\\b',
  'https://auth.example/\u00e4',
  'https://auth.example/\u0000',
])(verifies('discovery.guarded', 'a URL that its parser would repair is not fetched: %j'), url => {
  expect(() => targetOf(url, { allowLoopback: false })).toThrow(
    expect.objectContaining({ code: 'discovery_failed', reason: 'address_not_allowed' }),
  )
  expect(targetOf('https://auth.example/a%20b', { allowLoopback: false }).path).toBe('/a%20b')
})
