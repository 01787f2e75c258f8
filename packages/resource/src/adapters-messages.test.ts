import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { adapters, sitesOf, unsigned } from './adapters.test.fixture.js'
import { type Change, header, method, plus, target, without } from './altered.test.fixture.js'
import { asKey, makeWorld, signByHand } from './world.test.fixture.js'

// What must hold whatever framework a resource is behind. The core has tests of its own; here is what an adapter can break.

const world = await makeWorld()
const as = asKey(await generateSigningKey())

const chunked = (...chunks: string[]): Change => {
  const body = Buffer.from(`${chunks.map(c => `${Buffer.byteLength(c).toString(16)}\r\n${c}\r\n`).join('')}0\r\n\r\n`)
  return wire => ({ ...wire, headers: [...wire.headers, ['transfer-encoding', 'chunked']], body })
}

describe.each(adapters)('$name', adapter => {
  const site = sitesOf(world, adapter)
  const get = (target = '/feed') => world.request({ as, target })
  const post = (target = '/feed', body = '{"a":1}', contentType = 'application/json') =>
    world.request({ as, method: 'POST', target, body, contentType })

  describe('bodies', () => {
    test(
      verifies('DIG-02', 'DIG-12', 'DIG-01', 'sig.body.uncovered', 'another one, and one nobody signed'),
      async () => {
        const { refuses } = await site()
        const expected = { status: 401, error: 'invalid_signature' }
        await refuses(await post(), wire => ({ ...wire, body: Buffer.from('{"a":2}') }), expected)
        await refuses(await post(), without('content-digest'), expected)
        await refuses(
          await post(),
          header('content-digest', () => 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'),
          expected,
        )
        const swapped = await world.request({ as, method: 'POST', target: '/feed' })
        await refuses(
          swapped,
          wire => plus('content-type', 'text/plain')({ ...wire, body: Buffer.from('x') }),
          expected,
        )
        for (const verb of ['DELETE', 'PUT']) {
          const wire = await world.request({ as, method: verb, target: '/feed' })
          await refuses(wire, bare => ({ ...bare, body: Buffer.from('x') }), expected)
        }
      },
    )

    test(verifies('DIG-03', 'DIG-05', 'DIG-08', 'DIG-09', 'which digests count'), async () => {
      const { refuses, status } = await site()
      const digested = (digest: string, name = 'content-digest') =>
        signByHand({
          ...{ as, method: 'POST', target: '/feed', body: '{"a":1}' },
          input: `("@method" "@authority" "@path" "signature-key" "content-type" "${name}");created=${Math.floor(world.clock.now)};nonce="${crypto.randomUUID()}"`,
          headers: [
            ['content-type', 'application/json'],
            [name, digest],
          ],
        })
      const sha256 = 'sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:'
      const hash = Buffer.from(await crypto.subtle.digest('SHA-512', Buffer.from('{"a":1}'))).toString('base64')
      for (const good of [sha256, `sha-512=:${hash}:`, `${sha256}, foo=:AAAA:`])
        expect(await status(await digested(good)), good).toBe(200)
      for (const bad of ['sha-256=::', 'md5=:XrY7u+Ae7tCTyyK7j1rNww==:', sha256.replaceAll(':', '"')])
        expect(await status(await digested(bad)), bad).toBe(401)
      for (const other of ['digest', 'repr-digest']) expect(await status(await digested(sha256, other))).toBe(401)
      await refuses(await digested(sha256), without('content-digest'), { status: 401, error: 'invalid_signature' })
    })

    test(verifies('DIG-17', 'sig.body.bytes', 'the handler and its parser get the very bytes'), async () => {
      const { send } = await site()
      const odd = '\ufeff{ "a" :\r\n "ü" }'
      const echoed = await send(await post('/feed', odd, 'text/plain'))
      expect(JSON.parse(Buffer.from(echoed.body, 'latin1').toString()).body.replace('\ufeff', '')).toBe(odd.slice(1))
      const parsed = await send(await post('/json', '{ "a" : [1, "x"] }'))
      expect([parsed.status, parsed.body], parsed.body).toEqual([200, '{"a":[1,"x"]}'])
      const large = JSON.stringify({ a: 'x'.repeat(90_000) })
      expect((await send(await post('/json', large))).body).toBe(large)
      expect(
        (
          await send(
            unsigned('/json', {
              method: 'POST',
              body: Buffer.from('{"b":2}'),
              headers: [
                ['host', 'calendar.example'],
                ['content-type', 'application/json'],
              ],
            }),
          )
        ).body,
      ).toBe('{"b":2}')
      const empty = await send(await world.request({ as, method: 'POST', target: '/feed' }))
      expect([empty.status, JSON.parse(empty.body).body]).toEqual([200, ''])
    })

    test(verifies('DIG-13', 'what something has read before is a mistake to be told, and never let in'), async () => {
      const { plan, status } = await site()
      expect(await status(await post('/late'))).toBe(500)
      expect([plan.ran, plan.failed.map(error => error instanceof TypeError)]).toEqual([0, [true]])
      const { headers, ...bare } = await world.request({ as, method: 'POST', target: '/late' })
      const evil = { ...bare, headers: [...headers, ['content-type', 'text/plain'] as const], body: Buffer.from('x') }
      expect(await status(evil)).toBe(500)
      expect(plan.ran).toBe(0)
      expect(await status(await post('/feed'))).toBe(200)
    })

    test(verifies('error.body-too-large', 'DIG-11', 'over the limit: 413, and the answer arrives'), async () => {
      const { refuses } = await site()
      const small = () => post('/small', '0123456789', 'text/plain')
      await refuses(await small(), wire => ({ ...wire, body: Buffer.from('0123456789a') }), {
        status: 413,
        error: 'invalid_request',
      })
      const large = Buffer.alloc(3_000_000, 'x')
      await refuses(await small(), wire => ({ ...wire, body: large }), { status: 413, error: 'invalid_request' })
      if (adapter.wire)
        await refuses(await small(), chunked('01234', '56789a'), { status: 413, error: 'invalid_request' })
    })

    if (adapter.wire)
      test(verifies('DIG-12', 'DIG-13', 'DIG-14', 'DIG-15', 'however it is framed, under any method'), async () => {
        const { send, status, refuses, plan } = await site()
        expect(await status(chunked('{"a', '":1}')(await post()))).toBe(200)
        expect((await send(chunked('{"a', '":1}')(await post('/json')))).body).toBe('{"a":1}')
        const none = await world.request({ as, method: 'POST', target: '/feed' })
        expect(await status(plus('content-length', '0')(none))).toBe(200)
        expect(await status(chunked()(await world.request({ as, method: 'POST', target: '/feed' })))).toBe(200)
        const expected = { status: 401, error: 'invalid_signature' }
        await refuses(await world.request({ as, method: 'POST', target: '/feed' }), chunked('x'), expected)
        await refuses(await get(), wire => ({ ...wire, body: Buffer.from('x') }), expected)
        const before = plan.ran
        for (const framing of ['7', '8'])
          expect(await status(plus('content-length', framing)(plus('content-length', '7')(await post())))).toBe(400)
        const both = plus('transfer-encoding', 'chunked')(plus('content-length', '7')(await post()))
        expect(await status({ ...both, body: Buffer.from('7\r\n{"a":1}\r\n0\r\n\r\n') })).toBe(400)
        expect(plan.ran).toBe(before)
      })
  })

  describe('targets and headers', () => {
    if (adapter.wire)
      test(verifies('COV-24', 'COV-34', 'COV-35', 'COV-37', 'sig.target.form', 'as they came'), async () => {
        const { refuses } = await site()
        await refuses(await get(), plus('host', 'evil.example'), { status: 400 })
        await refuses(
          await get(),
          header('host', value => `${value}\r\n folded`),
          { status: 400 },
        )
        // Where the router does not know the spelling at all, no guard is asked.
        await refuses(await get(), target('http://evil.example/feed'), { status: [400, 404] })
        await refuses(await get(), target('/feed#b'), { status: [400, 404] })
      })

    if (adapter.wire)
      test(verifies('COV-30', 'RAT-12', 'a variant of a path lets nobody in'), async () => {
        const { plan, status, refuses } = await site()
        for (const variant of ['//feed', '/x/../feed', '/x/%2e%2E/feed', '/feed\\x', '/a/%zz']) {
          expect(await status(target(variant)(await get())), variant).toBeGreaterThanOrEqual(400)
          expect(plan.ran, variant).toBe(0)
        }
        await refuses(await get('/feed?a=b'), target('/feed?a=c'), { status: 401, error: 'invalid_signature' })
        await refuses(await get(), target('/feed?'), { status: 401, error: 'invalid_signature' })
      })

    test(verifies('COV-19', 'HEAD, OPTIONS and others are guarded as what they are'), async () => {
      const { status, refuses } = await site()
      for (const verb of ['HEAD', 'OPTIONS', 'PATCH']) {
        const wire = await world.request({ as, method: verb, target: '/feed' })
        await refuses(wire, method('GET'), { status: 401, error: 'invalid_signature' })
        expect(await status(unsigned('/feed', { method: verb })), verb).toBe(401)
      }
    })

    test(
      verifies('SIG-02', 'sig.target.raw', 'behind a prefix the whole target is verified, and no header decides it'),
      async () => {
        const { plan, send, status } = await site()
        const passed = await send(await get('/mounted/feed?a=b'))
        expect([passed.status, passed.body.includes('pseudonymous')], passed.body).toEqual([200, true])
        const ran = plan.ran
        expect(await status(target('/mounted/feed')(await get('/feed')))).toBe(401)
        const forwarded = plus('x-forwarded-host', 'calendar.example')
        const other = await world.request({ as, target: '/feed', origin: 'https://other.example' })
        expect(await status(forwarded(other))).toBe(401)
        const proxied = plus('x-forwarded-host', 'evil.example')(plus('x-original-url', '/edit')(await get('/feed')))
        expect(await status(proxied)).toBe(200)
        expect(plan.ran).toBe(ran + 1)
      },
    )
  })
})
