import { verifies } from '@countersign/requirements'
import { beforeAll, describe, expect, test } from 'vitest'
import { call, ok, raw, stage, valuesOf } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

describe('what reaches the API behind', () => {
  test(verifies('SIG-01', 'level.anonymous', 'nothing that was not authorized'), async () => {
    const { port, upstream, signed } = await start(ok)
    const refused = await call(port, { target: '/x' })
    expect([refused.status, refused.headers['agent-auth']]).toEqual([401, 'httpsig; identity=?1'])
    expect((await signed({ as: world.stranger, target: '/x' })).status).toBe(401)
    expect((await signed({ as: world.agent, target: '/scoped' })).headers['agent-auth']).toMatch(
      /^httpsig; auth-token; resource_token=/,
    )
    const changed = await world.sign({ as: world.agent, target: '/x' })
    expect((await call(port, { target: '/y', headers: changed })).status).toBe(401)
    expect(upstream.seen).toEqual([])
    expect((await call(port, { target: '/open' })).body).toBe('hello')
    expect((await signed({ as: world.agent, target: '/x' })).body).toBe('hello')
    expect((await signed({ as: await world.holder({}), target: '/scoped' })).body).toBe('hello')
    expect(upstream.seen.length).toBe(3)
  })

  test(verifies('SIG-21', 'COV-20', 'COV-43', 'the verified facts, and no inbound copy of them'), async () => {
    const { port, upstream, signed } = await start(ok)
    const forged: Array<[string, string]> = [
      ['AAuth-Level', 'authorized'],
      ['aauth_agent', 'https://root.example'],
      ['AAuth-User', 'root'],
      ['AAuth.Scope', 'root'],
      ['X-Forwarded-For', '198.51.100.7'],
      ['X-Forwarded-Host', 'evil.example'],
      ['X_Forwarded_Proto', 'ftp'],
      ['X-Real-IP', '198.51.100.7'],
      ['X-Forwarded-Scheme', 'ftp'],
      ['Forwarded', 'for=198.51.100.7'],
      ['X-HTTP-Method-Override', 'DELETE'],
      ['Connection', 'X-Named, close'],
      ['X-Named', '1'],
      ['TE', 'trailers'],
      ['X-Kept', '1'],
      ['X-Kept', '2'],
    ]
    await call(port, { target: '/open', headers: [['host', 'api.example'], ...forged] })
    const anonymous = upstream.seen[0]
    expect(anonymous?.headers.filter(([name]) => /^aauth/.test(name))).toEqual([['aauth-level', 'anonymous']])
    for (const name of [
      'x-real-ip',
      'x_forwarded_proto',
      'x-forwarded-scheme',
      'forwarded',
      'x-http-method-override',
      'x-named',
      'te',
    ])
      expect(valuesOf(anonymous, name), name).toEqual([])
    expect(['for', 'host', 'proto'].map(name => valuesOf(anonymous, `x-forwarded-${name}`))).toEqual([
      ['127.0.0.1'],
      ['api.example'],
      ['https'],
    ])
    expect(valuesOf(anonymous, 'x-kept')).toEqual(['1', '2'])
    expect(valuesOf(anonymous, 'host')).toEqual([new URL(upstream.origin).host])
    await signed({
      as: await world.holder({ sub: 'älice\u2003100%', delegate: 'phone' }),
      target: '/scoped',
      headers: forged.filter(([name]) => name !== 'Connection'),
    })
    const authorized = upstream.seen[1]
    expect(Object.fromEntries(authorized?.headers.filter(([name]) => /^aauth/.test(name)) ?? [])).toEqual({
      'aauth-level': 'authorized',
      'aauth-agent': 'https://agent.example',
      'aauth-delegate': 'phone',
      'aauth-user': '%C3%A4lice%E2%80%83100%25',
      'aauth-scope': 'read',
      'aauth-issuer': 'https://auth.example',
      'aauth-key': expect.stringMatching(/^[\w-]{43}$/),
    })
    for (const name of ['signature', 'signature-input', 'signature-key'])
      expect(valuesOf(authorized, name), name).toEqual([])
  })

  test(
    verifies('sig.target.one-path', 'sig.target.raw', 'COV-28', 'the target that was verified, byte for byte'),
    async () => {
      const { upstream, port } = await start(ok)
      for (const target of ['/a/x%2fb', '/a/x%2Fb?q=%41&b', '/a/b;c=d/', '/a?', "/a/~'(!)*?x=[1]&y={z}"]) {
        // A lone `?` is dropped by our signer, so this one goes unsigned.
        const answer =
          target === '/a?' ? await call(port, { target: '/open?' }) : await call(port, { target: `/open${target}` })
        expect(answer.status, target).toBe(200)
        expect(upstream.seen.at(-1)?.target).toBe(target === '/a?' ? '/open?' : `/open${target}`)
      }
      for (const target of ['/open/../x', '/open/%2e%2e/x', '//x', '/open\\x', '/open#x', 'http://evil.example/open']) {
        const before = upstream.seen.length
        expect(
          (await raw(port, `GET ${target} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n`)).startsWith(
            'HTTP/1.1 400',
          ),
          target,
        ).toBe(true)
        expect(upstream.seen.length).toBe(before)
      }
    },
  )

  test(verifies('DIG-02', 'DIG-12', 'sig.body.bytes', 'the bytes that were verified'), async () => {
    const { port, upstream, signed } = await start(ok)
    const headers: Array<[string, string]> = [['content-type', 'application/json']]
    const post = { as: world.agent, method: 'POST', target: '/x', headers }
    expect((await signed({ ...post, body: '{"a":"ü"}' })).status).toBe(200)
    expect([upstream.seen.at(-1)?.body, valuesOf(upstream.seen.at(-1), 'content-length')]).toEqual([
      '{"a":"ü"}',
      ['10'],
    ])
    const lines = await world.sign({ ...post, body: '{"a":1}' })
    const chunked = await call(port, {
      method: 'POST',
      target: '/x',
      headers: [...lines, ['transfer-encoding', 'chunked']],
      body: '{"a":1}',
    })
    expect([chunked.status, valuesOf(upstream.seen.at(-1), 'transfer-encoding'), upstream.seen.at(-1)?.body]).toEqual([
      200,
      [],
      '{"a":1}',
    ])
    const before = upstream.seen.length
    const again = await world.sign({ ...post, body: '{"a":1}' })
    expect((await call(port, { method: 'POST', target: '/x', headers: again, body: '{"a":2}' })).status).toBe(401)
    expect(
      (
        await call(port, {
          method: 'POST',
          target: '/x',
          headers: await world.sign({ as: world.agent, method: 'POST', target: '/x' }),
          body: 'x',
        })
      ).status,
    ).toBe(401)
    expect(upstream.seen.length).toBe(before)
    expect((await signed({ as: world.agent, method: 'POST', target: '/x' })).status).toBe(200)
    expect(valuesOf(upstream.seen.at(-1), 'content-length')).toEqual(['0'])
    expect((await signed({ as: world.agent, target: '/x' })).status).toBe(200)
    expect(valuesOf(upstream.seen.at(-1), 'content-length')).toEqual([])
  })

  test(
    verifies('COV-43', 'no intermediary can remove a field of a signed request by naming it in Connection'),
    async () => {
      const { port, upstream } = await start(ok)
      const signed = async () => world.sign({ as: world.agent, target: '/x', headers: [['x-tenant', 'a']] })
      for (const connection of ['X-Tenant', 'close, x_tenant', 'signature'])
        expect(
          await call(port, { target: '/x', headers: [...(await signed()), ['connection', connection]] }),
        ).toMatchObject({ status: 400, body: expect.stringContaining('"reason":"header_ambiguous"') })
      expect(upstream.seen).toEqual([])
      for (const connection of ['close', 'close, TE', 'X-Absent']) {
        expect(
          (await call(port, { target: '/x', headers: [...(await signed()), ['connection', connection]] })).status,
        ).toBe(200)
        expect(valuesOf(upstream.seen.at(-1), 'x-tenant')).toEqual(['a'])
      }
    },
  )

  test(verifies('NON-01', 'a replayed POST reaches it once'), async () => {
    const { port, upstream } = await start(ok)
    const headers = await world.sign({ as: world.agent, method: 'POST', target: '/x' })
    expect((await call(port, { method: 'POST', target: '/x', headers })).status).toBe(200)
    const again = await call(port, { method: 'POST', target: '/x', headers })
    expect([again.status, JSON.parse(again.body).error, again.headers['agent-auth'], upstream.seen.length]).toEqual([
      401,
      'replay_detected',
      undefined,
      1,
    ])
  })
})
