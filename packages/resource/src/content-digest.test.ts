import { verifies } from '@countersign/requirements'
import { send, type Wire } from '@countersign/testing/wire'
import { describe, expect, test } from 'vitest'
import { cases, expectRefusal, header, plus, without } from './altered.test.fixture.js'
import { calendarScene } from './calendar.test.fixture.js'
import { signByHand } from './world.test.fixture.js'

const { world, calendar, as, now } = await calendarScene()

const post = (body = '{"a":1}') => world.request({ as, target: '/feed', method: 'POST', body })

describe('body', () => {
  test.each(
    cases([
      ['DIG-02', 'another body', (wire: Wire) => ({ ...wire, body: new TextEncoder().encode('{"a":2}') })],
      ['DIG-12', 'an unsigned body', (wire: Wire) => without('content-digest')(wire)],
      ['DIG-08', 'a digest that is a string', header('content-digest', value => value.replaceAll(':', '"'))],
    ]),
  )('is refused: %s', async (_, change) => {
    await expectRefusal(calendar, await post(`{"fresh":"${crypto.randomUUID()}"}`), change, {
      status: 401,
      error: 'invalid_signature',
    })
  })

  const types = '"content-type" "content-digest"'
  const input = () =>
    `("@method" "@authority" "@path" "signature-key" ${types});created=${now};nonce="${crypto.randomUUID()}"`
  const digested = (digest: string, body = '{"a":1}', method = 'POST') =>
    signByHand({
      as,
      input: input(),
      method,
      target: '/feed',
      body,
      headers: [
        ['content-type', 'application/json'],
        ['content-digest', digest],
      ],
    })
  const sha256 = 'sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:'
  const status = async (wire: Wire) => {
    const before = calendar.ran()
    const answer = await send(calendar.port, wire)
    expect(calendar.ran() - before).toBe(answer.status === 200 ? 1 : 0)
    return answer.status
  }

  test(
    verifies(
      'DIG-01',
      'sig.digest.algorithms',
      'sig.digest.match',
      'DIG-04',
      'DIG-05',
      'DIG-08',
      'DIG-09',
      'which digests count',
    ),
    async () => {
      const sha512 = `sha-512=:${Buffer.from(await crypto.subtle.digest('SHA-512', new TextEncoder().encode('{"a":1}'))).toString('base64')}:`
      for (const good of [sha256, sha512, `${sha256}, foo=:AAAA:`, `${sha512}, ${sha256}`])
        expect(await status(await digested(good)), good).toBe(200)
      const bad = [
        'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
        'md5=:XrY7u+Ae7tCTyyK7j1rNww==:',
        'foo=:AAAA:',
        'sha-256=::',
        'sha-256=:AVq9+Q4SGCPoVgGUJDDZlw==:',
        `${sha512}, sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:`,
      ]
      for (const digest of bad) expect(await status(await digested(digest)), digest).toBe(401)
      const legacy = {
        as,
        input: input().replace('content-digest', 'digest'),
        method: 'POST',
        target: '/feed',
        body: '{"a":1}',
      }
      expect(
        await status(
          await signByHand({
            ...legacy,
            headers: [
              ['content-type', 'application/json'],
              ['digest', 'SHA-256=AVq9'],
            ],
          }),
        ),
      ).toBe(401)
    },
  )

  test(
    verifies(
      'DIG-12',
      'DIG-13',
      'DIG-14',
      'DIG-17',
      'sig.body.bytes',
      'a body is bytes, however framed, under any method',
    ),
    async () => {
      const wire = await digested(sha256)
      const chunked = (w: Wire): Wire => ({
        ...w,
        headers: [...w.headers, ['transfer-encoding', 'chunked']],
        body: Buffer.from('7\r\n{"a":1}\r\n0\r\n\r\n'),
      })
      expect(await status(chunked(wire))).toBe(200)
      const plain = await world.request({ as, method: 'POST', target: '/feed' })
      expect(await status(plus('content-length', '0')(plain))).toBe(200)
      expect(await status(chunked(await world.request({ as, method: 'POST', target: '/feed' })))).toBe(401)
      for (const verb of ['GET', 'DELETE']) {
        const unsigned = await world.request({ as, method: verb, target: '/feed' })
        expect(await status(unsigned)).toBe(200)
        expect(
          await status({ ...(await world.request({ as, method: verb, target: '/feed' })), body: Buffer.from('x') }),
        ).toBe(401)
      }
      const odd = '\ufeff{ "a" :\r\n 1 }'
      const answer = await send(calendar.port, await world.request({ as, method: 'PUT', target: '/feed', body: odd }))
      expect([
        answer.status,
        JSON.parse(Buffer.from(answer.body, 'latin1').toString()).body.endsWith('{ "a" :\r\n 1 }'),
      ]).toEqual([200, true])
    },
  )

  test(verifies('DIG-15', 'framings two parsers read differently'), async () => {
    expect(await status(await digested(sha256))).toBe(200)
    expect(await status(plus('content-length', '7')(plus('content-length', '7')(await digested(sha256))))).toBe(400)
    const both = plus('transfer-encoding', 'chunked')(plus('content-length', '7')(await digested(sha256)))
    expect(await status({ ...both, body: Buffer.from('7\r\n{"a":1}\r\n0\r\n\r\n') })).toBe(400)
    expect(await status(plus('transfer-encoding', 'x chunked')(await digested(sha256)))).toBeGreaterThanOrEqual(400)
  })

  test(verifies('error.body-too-large', 'DIG-11', 'a body over the limit is 413'), async () => {
    expect(
      await status(
        await world.request({
          as,
          method: 'POST',
          target: '/feed',
          body: 'x'.repeat(1_048_576),
          contentType: 'text/plain',
        }),
      ),
    ).toBe(200)
    expect(
      await status(
        await world.request({
          as,
          method: 'POST',
          target: '/feed',
          body: 'x'.repeat(1_048_577),
          contentType: 'text/plain',
        }),
      ),
    ).toBe(413)
  })
})
