import { foldedPath, shortNameFolders, withoutStreams } from '@countersign/protocol/internal'
import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { createGateway, type GatewayRoute } from './index.js'
import { looseSpellings } from './loose-spelling.js'
import { routeTable } from './route-table.js'
import { call, ok, stage } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

describe('routes', () => {
  test(
    verifies(
      'RAT-12',
      'error.method',
      'the longest path decides; its methods are the only ones; nothing else is there',
    ),
    async () => {
      const { port, upstream, signed } = await start(ok, [
        { path: '/a*', requirement: { level: 'anonymous' } },
        { path: '/a/admin*', requirement: { level: 'identified' } },
        { path: '/a/exact', methods: ['GET'], requirement: { level: 'identified' } },
        { path: '/a/exact', methods: ['POST', 'PUT'], requirement: { level: 'anonymous' } },
      ])
      const status = async (target: string, method = 'GET') => (await call(port, { target, method })).status
      expect([await status('/a'), await status('/abc'), await status('/a/exact', 'POST')]).toEqual([200, 200, 200])
      expect([await status('/a/admin'), await status('/a/administration?x'), await status('/a/exact')]).toEqual([
        401, 401, 401,
      ])
      expect((await signed({ as: world.agent, target: '/a/exact' })).status).toBe(200)
      expect([await status('/'), await status('/b'), await status('/A')]).toEqual([404, 404, 400])
      for (const method of ['HEAD', 'OPTIONS', 'DELETE']) {
        const refused = await call(port, { target: '/a/exact', method })
        expect([refused.status, refused.headers['allow']]).toEqual([405, 'GET, POST, PUT'])
      }
      const before = upstream.seen.length
      for (const target of [
        '/a/%61dmin',
        '/a/ADMIN',
        '/a//admin',
        '/a/%2561dmin',
        '/a;x/admin',
        '/a/exact/',
        '/a/%65xact',
        '/a%2Fadmin',
        '/a%5Cadmin',
      ])
        expect(await status(target), target).toBe(400)
      expect(upstream.seen.length).toBe(before)
      expect([await status('/a/%62'), await status('/a//b'), await status('/a/B')]).toEqual([200, 200, 200])
    },
  )

  test(
    verifies('RAT-12', 'COV-35', 'a path that one upstream or another reads as one of a stricter route is refused'),
    async () => {
      const { port, upstream } = await start(ok, [
        { path: '/*', requirement: { level: 'anonymous' } },
        { path: '/admin*', requirement: { level: 'identified' } },
        { path: '/files/*', requirement: { level: 'identified' } },
      ])
      const status = async (target: string) => (await call(port, { target })).status
      for (const target of [
        '/%61dmin/%ff',
        '/%c1%a1dmin',
        '/x/..%2fadmin',
        '/x/..%5Cadmin',
        '/x/..;/admin',
        '/x/..;a=b/admin',
        '/x/%252e%252e/admin',
        '/x/.%2e%2fadmin',
        '/x%00/admin',
        '/x%0a',
        '/%ef%bd%81dmin',
        '/admi%4e;x',
        '/files',
        '/files.',
        '/files%20',
        '/adm%C4%B1n',
        '/adm%C4%B0n',
        '/ad%E2%80%8Bmin',
        '/ad%C2%ADmin',
        '/ad%EF%BB%BFmin',
        '/files::$DATA',
        '/files:$I30:$INDEX_ALLOCATION/a',
        '/files%3f',
        '/files%23x',
        '/files%3fx/y',
        '/files.%3fx',
        '/files%253f',
        '/x%3f/../admin',
        '/x/..%20/admin',
        '/x/.../admin',
        '/x/%EF%BC%8E%EF%BC%8E/admin',
        '/%EF%BC%8561dmin',
      ])
        expect(await status(target), target).toBe(400)
      expect(upstream.seen).toEqual([])
      for (const target of [
        '/',
        '/x/..a',
        '/x/a%2fb',
        '/x;a=b/c',
        '/caf%C3%A9/',
        '/x/50%25',
        '/x%25ff',
        '/a.b/c.',
        '/file',
        '/x%3fa=b',
        '/x%23a',
        '/x/a:b',
        '/x/%E4%BC%9A%E8%AE%AE%EF%BC%9A',
        '/%C4%B1stanbul',
      ])
        expect(await status(target), target).toBe(200)
      for (const target of ['/admin', '/admin/', '/admins', '/files/', '/files/a.txt', '/files/a/'])
        expect(await status(target), target).toBe(401)
    },
  )

  test(verifies('metadata.resource', 'the gateway answers for the resource itself'), async () => {
    const { port, upstream } = await start(ok)
    expect(JSON.parse((await call(port, { target: '/.well-known/aauth-resource' })).body).resource).toBe(
      'https://api.example',
    )
    expect(JSON.parse((await call(port, { target: '/.well-known/jwks.json' })).body).keys.length).toBe(1)
    expect((await call(port, { target: '/aauth/resource-token', method: 'POST' })).status).toBe(401)
    expect(upstream.seen).toEqual([])
  })

  test('an invalid configuration throws at construction', () => {
    const make = (upstream: string, routes: ReadonlyArray<GatewayRoute<'read'>>) => () =>
      createGateway({ resource: world.resource, upstream, routes })
    const requirement = { level: 'anonymous' } as const
    expect(make('http://127.0.0.1:1', [{ path: '/*', requirement }])).not.toThrow()
    for (const upstream of ['127.0.0.1:1', 'ftp://x', 'http://127.0.0.1:1/api', 'http://u:p@127.0.0.1:1'])
      expect(make(upstream, [{ path: '/*', requirement }]), upstream).toThrow(TypeError)
    for (const path of ['x', '', '/a*b', '/a?b', '/a b', '*', '/a/../b', '/a/..;*/', '/%ff', '/a%3fb'])
      expect(make('http://127.0.0.1:1', [{ path, requirement }]), path).toThrow(TypeError)
    expect(
      make('http://127.0.0.1:1', [
        { path: '/a', requirement },
        { path: '/a', requirement },
      ]),
    ).toThrow(TypeError)
    expect(make('http://127.0.0.1:1', [{ path: '/a', requirement: { level: 'authorized' } }])).toThrow(TypeError)
    expect(make('http://127.0.0.1:1', [{ path: '/a', methods: ['get'], requirement }])).toThrow(TypeError)
  })
})

test(
  verifies('RAT-12', 'a path that is written plainly has no other spelling, so that it need not be looked for'),
  () => {
    const table = routeTable([
      { path: '/a*', value: 'a' },
      { path: '/a/admin', value: 'admin' },
      { path: '/a.b/c', value: 'c' },
    ])
    const segment = fc.constantFrom('a', 'admin', 'b', 'c', 'a.b', 'x_1', '-', '9', 'a.b.c')
    const plain = fc
      .tuple(fc.array(segment, { maxLength: 4 }), fc.boolean())
      .map(([segments, slash]) => `${segments.map(one => `/${one}`).join('')}${slash ? '/' : ''}`)
    fc.assert(
      fc.property(plain, path => {
        const once = path.endsWith('/') ? path : `${path}/`
        expect([looseSpellings(`${path}/`), foldedPath(once), withoutStreams(path), shortNameFolders(once)]).toEqual([
          [once],
          once,
          path,
          [],
        ])
      }),
    )
    expect(['/a/admin/', '/a/admin/x', '/a.b/c/'].map(path => table.match('GET', path).found)).toEqual([
      'ambiguous',
      'route',
      'ambiguous',
    ])
  },
)
