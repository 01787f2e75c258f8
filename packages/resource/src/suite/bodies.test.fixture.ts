import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { verifies } from '@countersign/requirements'
import { bytesOf, sendBytes, sendPipelined, type Wire } from '@countersign/testing/wire'
import { describe, expect, test } from 'vitest'
import { type Change, header, plus, without } from '../altered.test.fixture.js'
import { type Stage, unsigned } from './stage.test.fixture.js'

const invalid = { status: 401, error: 'invalid_signature' }
const tooLarge = { status: 413, error: 'invalid_request' }

const withBody =
  (text: string | Uint8Array): Change =>
  wire => ({ ...wire, body: Buffer.from(text) })

const chunked = (...chunks: string[]): Change => {
  const body = Buffer.from(`${chunks.map(c => `${Buffer.byteLength(c).toString(16)}\r\n${c}\r\n`).join('')}0\r\n\r\n`)
  return wire => ({ ...wire, headers: [...wire.headers, ['transfer-encoding', 'chunked']], body })
}

/** The cases of the group DIG about bodies: unsigned ones, their framing, and what the handler gets. */
export function bodies(stage: Stage): void {
  describe('bodies', () => {
    signed(stage)
    handedOn(stage)
    sized(stage)
    inflated(stage)
    if (stage.adapter.wire) framed(stage)
  })
}

function signed({ world, as, site, get, post, adapter }: Stage): void {
  test(
    verifies('DIG-02', 'DIG-12', 'sig.body.uncovered', 'a body with another digest, and an unsigned one, are refused'),
    async () => {
      const { refuses, refused, status } = await site()
      await refuses(await post(), withBody('{"a":2}'), invalid)
      await refuses(await post(), withBody(''), invalid)
      await refuses(await post(), without('content-digest'), invalid)
      const bodiless = await world.request({ as, method: 'POST', target: '/feed' })
      await refuses(bodiless, wire => plus('content-type', 'text/plain')(withBody('x')(wire)), invalid)
      // No parser has seen it: that would have failed on the JSON.
      await refused(withBody('{"a":')(await post('/json')), invalid)
      expect(await status(await post('/json'))).toBe(200)
    },
  )

  test(verifies('DIG-13', 'under any method'), async () => {
    const { refuses } = await site()
    for (const method of ['DELETE', 'PUT', 'PATCH', 'OPTIONS'])
      await refuses(await world.request({ as, method, target: '/feed' }), withBody('x'), invalid)
    if (!adapter.wire) return
    // Platforms that show no body of these refuse the message, which has one.
    const hidden = adapter.runtime === 'parsed' ? { status: [400, 401] } : invalid
    await refuses(await get(), withBody('x'), hidden)
    const head = await world.request({ as, method: 'HEAD', target: '/feed' })
    await refuses(head, withBody('x'), { status: [400, 401] })
  })

  if (adapter.inApp)
    test(verifies('DIG-13', 'what something has read before is a mistake to be told, and never let in'), async () => {
      const { plan, status, passes } = await site()
      expect(await status(await post('/late'))).toBe(500)
      expect([plan.ran, plan.failed.map(error => error instanceof TypeError)]).toEqual([0, [true]])
      const bodiless = await world.request({ as, method: 'POST', target: '/late' })
      expect(await status(plus('content-type', 'text/plain')(withBody('x')(bodiless)))).toBe(500)
      expect(plan.ran).toBe(0)
      await passes(await post())
    })
}

function handedOn({ world, as, site, post }: Stage): void {
  test(verifies('DIG-17', 'sig.body.bytes', 'the handler and its parser get exactly the verified bytes'), async () => {
    const { send, passes } = await site()
    const odd = '\ufeff{ "a" :\r\n "ü" }'
    const echoed = await passes(await post('/feed', odd, 'text/plain'))
    expect(JSON.parse(Buffer.from(echoed.body, 'latin1').toString()).body.replace('\ufeff', '')).toBe(odd.slice(1))
    const form = 'a=%31&b=+&&c'
    const asForm = await passes(await post('/feed', form, 'application/x-www-form-urlencoded'))
    expect(JSON.parse(asForm.body).body).toBe(form)
    const parsed = await send(await post('/json', '{ "a" : [1, "x"] }'))
    expect([parsed.status, parsed.body], parsed.body).toEqual([200, '{"a":[1,"x"]}'])
    const large = JSON.stringify({ a: 'x'.repeat(90_000) })
    expect((await send(await post('/json', large))).body).toBe(large)
    const json = { headers: [...unsigned('/').headers, ['content-type', 'application/json']] as Wire['headers'] }
    const nobody = await send(unsigned('/json', { method: 'POST', body: Buffer.from('{"b":2}'), ...json }))
    expect(nobody.body).toBe('{"b":2}')
  })

  test(verifies('DIG-14', 'none at all needs no digest'), async () => {
    const { passes } = await site()
    const none = () => world.request({ as, method: 'POST', target: '/feed' })
    expect(JSON.parse((await passes(await none())).body).body).toBe('')
    await passes(plus('content-length', '0')(await none()))
  })
}

function sized({ world, as, site, post, adapter }: Stage): void {
  const inText = (length: number): Change => withBody('x'.repeat(length))

  test(verifies('error.body-too-large', 'DIG-11', 'over the limit: 413, and the answer arrives'), async () => {
    const { refuses, refused } = await site()
    const full = () => post('/feed', 'x'.repeat(1_048_576), 'text/plain')
    await refuses(await full(), inText(1_048_577), tooLarge)
    // A platform may reset a connection on which more was under way, and the answer with it.
    const farTooLarge = adapter.runtime === 'parsed' ? { status: [413, 0] } : tooLarge
    await refused(inText(3_000_000)(await full()), farTooLarge)
    if (adapter.wire) await refused(chunked('x'.repeat(600_000), 'x'.repeat(600_000))(await full()), farTooLarge)
  })

  if (adapter.inApp)
    test(verifies('error.body-too-large', 'over a limit of its own'), async () => {
      const { refuses } = await site()
      const small = () => post('/small', '0123456789', 'text/plain')
      await refuses(await small(), inText(11), tooLarge)
      if (adapter.wire) await refuses(await small(), chunked('01234', '56789a'), tooLarge)
    })

  test(verifies('DIG-11', 'a compressed one is verified as it came, and not inflated'), async () => {
    const { passes, refuses } = await site()
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(5_000_000, ' ')))
    const gzip = { as, method: 'POST', target: '/feed', headers: [['content-encoding', 'gzip']] as const }
    const echoed = await passes(await world.request({ ...gzip, bytes: bomb, contentType: 'text/plain' }))
    expect(echoed.body.length).toBeLessThan(50_000)
    const again = await world.request({ ...gzip, bytes: bomb, contentType: 'text/plain' })
    await refuses(again, withBody(gzipSync(Buffer.alloc(5_000_001, ' '))), invalid)
  })
}

function inflated({ world, as, site, post }: Stage): void {
  test(verifies('DIG-11', 'a parser behind the guard inflates no bomb, and the app goes on'), async () => {
    const { plan, send } = await site()
    const json = async (bytes: Uint8Array<ArrayBuffer>, ...headers: Array<readonly [string, string]>) =>
      send(
        await world.request({ as, method: 'POST', target: '/json', headers, bytes, contentType: 'application/json' }),
      )
    // 5 MB of JSON in a few kB, for a parser that inflates it.
    const text = Buffer.from(JSON.stringify({ a: ' '.repeat(5_000_000) }))
    for (const [coding, bomb] of [
      ['gzip', gzipSync(text)],
      ['deflate', deflateSync(text)],
      ['br', brotliCompressSync(text)],
    ] as const) {
      const { status, body } = await json(new Uint8Array(bomb), ['content-encoding', coding])
      // Too large, of an unknown coding, or no JSON as it came.
      expect([413, 415, 400], coding).toContain(status)
      expect(body.length, coding).toBeLessThan(1000)
    }
    expect(plan.failed).toEqual([])
    const passed = await json(new TextEncoder().encode('{"a":1}'))
    expect([passed.status, passed.body]).toEqual([200, '{"a":1}'])
    expect((await send(await post('/json', '{"a":'))).status, 'malformed as it came').toBe(400)
  })
}

function framed({ world, as, site, get, post, adapter }: Stage): void {
  const none = (method = 'POST') => world.request({ as, method, target: '/feed' })

  test(verifies('DIG-12', 'DIG-14', 'sig.body.bytes', 'in chunks'), async () => {
    const { send, passes, refuses, refused } = await site()
    await passes(chunked('{"a', '":1}')(await post()))
    expect((await send(chunked('{"a', '":1}')(await post('/json')))).body).toBe('{"a":1}')
    await passes(chunked()(await none()))
    await refuses(await none(), chunked('x'), invalid)
    await refused(chunked('{"a', '":2}')(await post()), invalid)
    for (const method of ['GET', 'DELETE', 'HEAD'])
      await refused(chunked('x')(await none(method)), { status: adapter.runtime === 'parsed' ? [400, 401] : 401 })
  })

  test(verifies('DIG-19', 'a body whose framing is beyond the header lines that Node keeps'), async () => {
    const { send, passes, plan, port = 0 } = await site()
    // Newer versions of Node and other runtimes have limits of their own, and words for them.
    const statuses = adapter.runtime === undefined ? [431] : [431, 400]
    const text = '{"evil":1}'
    for (const framing of ['content-length', 'transfer-encoding'] as const) {
      const plain = framing === 'content-length'
      const body = Buffer.from(plain ? text : `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`)
      const hide: Change = wire => ({
        ...wire,
        headers: [
          ...wire.headers,
          ...Array.from({ length: 1030 }, () => ['a', ''] as const),
          ['content-type', 'application/json'] as const,
          [framing, plain ? String(text.length) : 'chunked'] as const,
        ],
        body,
      })
      for (const method of ['POST', 'GET', 'DELETE']) {
        const wire = await none(method)
        const before = plan.ran
        expect(statuses).toContain((await send(hide(wire))).status)
        expect(plan.ran, 'no handler ran').toBe(before)
        await passes(wire)
      }
      // What is refused is no request of its own, either.
      plan.ran = 0
      const inside = Buffer.concat([bytesOf(hide(await none()), 'keep-alive'), bytesOf(await get())])
      const answers = (await sendBytes(port, inside)).toString('latin1').match(/HTTP\/1\.1 \d+/g) ?? []
      expect(answers[0], framing).toMatch(adapter.runtime === undefined ? /431$/ : /431$|400$/)
      expect(plan.ran, 'one for each further answer').toBe(answers.length - 1)
    }
  })

  test(verifies('DIG-15', 'framings that two parsers read differently, and nothing after them'), async () => {
    const { plan, port = 0, passes } = await site()
    const twice =
      (length: string): Change =>
      wire =>
        plus('content-length', length)(plus('content-length', '7')(wire))
    const inBoth: Change = wire => plus('content-length', '7')(chunked('{"a":1}')(wire))
    const coded =
      (coding: string): Change =>
      wire =>
        header('transfer-encoding', () => coding)(chunked('{"a":1}')(wire))
    const codings = ['x chunked', 'chunked, identity', 'xchunked', 'chunked chunked', '"chunked"', 'identity']
    const both = async (change: Change) => {
      const bytes = Buffer.concat([bytesOf(change(await post()), 'keep-alive'), bytesOf(await get())])
      return (await sendBytes(port, bytes)).toString('latin1').match(/HTTP\/1\.1 \d+/g)
    }
    for (const change of [twice('8'), ...codings.map(coded)]) expect(await both(change)).toEqual(['HTTP/1.1 400'])
    expect(plan.ran).toBe(0)
    // RFC 9110 §8.6 and RFC 9112 §6.3 have one reading of each, which other runtimes may take.
    if (adapter.runtime === undefined)
      for (const change of [twice('7'), inBoth]) expect(await both(change)).toEqual(['HTTP/1.1 400'])
    else {
      expect((await both(twice('7')))?.[0]).toMatch(/200$|400$/)
      expect(await both(inBoth)).toEqual([expect.stringMatching(/200$|400$/)])
    }
    expect(await both(wire => wire)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200'])
    await passes(await post())
  })

  test(verifies('DIG-18', 'a second request on the same connection is verified on its own'), async () => {
    const { plan, port = 0 } = await site()
    const statuses = async (...wires: Wire[]) => [await sendPipelined(port, wires), plan.ran]
    expect(await statuses(await post(), await get())).toEqual([[200, 200], 2])
    expect(await statuses(await post(), unsigned('/feed'))).toEqual([[200, 401], 3])
    const moved = { ...(await get()), target: '/agenda' }
    expect(await statuses(await get(), moved)).toEqual([[200, 401], 4])
    expect(await statuses(unsigned('/feed'), await get())).toEqual([[401, 200], 5])
  })
}
