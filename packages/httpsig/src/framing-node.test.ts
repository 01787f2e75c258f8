import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { fromRequest } from './index.js'
import { fromNode, keepBody } from './node.js'

// Requests as another server's parser may give them: Node's own refuses most of these framings before.

type Lines = ReadonlyArray<readonly [string, string]>

/** A request with these header lines, whose body has not come. */
function incoming(...lines: Lines): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  return Object.assign(request, { method: 'POST', url: '/', rawHeaders: lines.flat() })
}

/** The same, whose body a parser has kept. */
function kept(body: string, ...lines: Lines): IncomingMessage {
  const request = incoming(...lines)
  keepBody(request, new ServerResponse(request), Buffer.from(body))
  return request
}

/** The same, whose body has arrived as a whole with the head. */
function arrived(body: string, ...lines: Lines): IncomingMessage {
  const request = Object.assign(incoming(...lines), { complete: true })
  request.push(body)
  request.push(null)
  return request
}

const read = (request: IncomingMessage): Promise<unknown> => fromNode(request, { bodyLimit: 10 })

test.each<readonly [string, Lines]>([
  ['a length that is no number', [['content-length', '1x']]],
  ['a length with a sign', [['content-length', '+1']]],
  [
    'two lengths',
    [
      ['content-length', '3'],
      ['content-length', '3'],
    ],
  ],
  [
    'two codings',
    [
      ['transfer-encoding', 'chunked'],
      ['transfer-encoding', 'chunked'],
    ],
  ],
  ['a coding beside chunked', [['transfer-encoding', 'gzip, chunked']]],
])(verifies('sig.body.bytes', '%s is refused, whoever has parsed the request'), async (_, lines) => {
  await expect(read(kept('abc', ...lines))).rejects.toMatchObject({ reason: 'body_framing_invalid' })
})

test(
  verifies('error.body-too-large', 'a body is refused by the length that is announced, and by its own'),
  async () => {
    expect(await read(kept('abc', ['content-length', '3']))).toMatchObject({ body: Buffer.from('abc') })
    const announced = read(kept('abc', ['content-length', '11']))
    await expect(announced).rejects.toMatchObject({ reason: 'body_too_large', status: 413 })
    for (const has of [kept, arrived]) {
      expect(await read(has('abcdefghij', ['transfer-encoding', 'chunked']))).toHaveProperty('body.length', 10)
      const own = read(has('abcdefghijk', ['transfer-encoding', 'chunked']))
      await expect(own).rejects.toMatchObject({ reason: 'body_too_large', status: 413 })
    }
  },
)

test(
  verifies('DIG-19', 'a request that ended before its end was seen is cut off, also without an announced body'),
  async () => {
    const request = incoming(['host', 'a.example'])
    request.destroy()
    await expect(read(request)).rejects.toMatchObject({ reason: 'request_cut_off' })
  },
)

test(verifies('DIG-19', 'a Fetch handler refuses a head of which Node may have dropped lines'), async () => {
  const read = (count: number) => {
    const headers = Array.from({ length: count }, (_, at): [string, string] => [`x-${at}`, 'a'])
    return fromRequest(new Request('https://a.example/', { headers }), { bodyLimit: 10 })
  }
  expect((await read(999)).headers).toHaveLength(1000)
  await expect(read(1000)).rejects.toMatchObject({ reason: 'header_lines_too_many', status: 431 })
})
