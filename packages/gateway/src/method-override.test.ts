import { gzipSync } from 'node:zlib'
import type { ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeAll, expect, test } from 'vitest'
import { proxiesOf } from './check.test.fixture.js'
import type { GatewayRoute } from './index.js'
import { overrideInBody, overrideInQuery } from './method-override.js'
import { type Answer, call, ok, stage } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)
const { nginx, envoy } = proxiesOf(() => world)

const routes: ReadonlyArray<GatewayRoute<'read'>> = [
  { path: '/items/*', methods: ['GET', 'POST'], requirement: { level: 'anonymous' } },
  { path: '/items/*', methods: ['DELETE'], requirement: { scope: 'read' } },
  { path: '/any', requirement: { level: 'anonymous' } },
]
const form = 'application/x-www-form-urlencoded'
const multipart = (lines: string) => `--b\r\n${lines}\r\n\r\nDELETE\r\n--b--\r\n`

const queries = [
  '_method=DELETE',
  'a=1&_method=DELETE',
  'a=1;_method=DELETE',
  '_METHOD=delete',
  '%5Fmethod=DELETE',
  '_meth%6fd',
  '_method[]=DELETE',
  '_method%5B0%5D=DELETE',
  '+_method=DELETE',
  '_method%00=DELETE',
  '.method=DELETE',
  '%EF%BC%BFmethod=DELETE',
  '_met%E2%80%8Bhod=DELETE',
  'X-HTTP-Method-Override=DELETE',
  'x_http_method=DELETE',
]

const bodies: ReadonlyArray<readonly [type: string | undefined, body: string]> = [
  [form, 'a=1&_method=DELETE'],
  [undefined, '_method=DELETE'],
  [form, '%u005fmethod=DELETE'],
  [`${form}; charset=utf-8`, '%5fMETHOD=DELETE'],
  ['application/json', '{"a":1,"_method":"DELETE"}'],
  ['application/json', '{"a":1,"a":2,"\\u005FMethod":"DELETE"}'],
  ['application/vnd.api+json', '{"_method":"DELETE"}'],
  ['multipart/form-data; boundary=b', multipart('Content-Disposition: form-data; name="_method"')],
  ['multipart/form-data; boundary=b', multipart('content-disposition:form-data;\r\n name=_METHOD')],
  ['multipart/form-data; boundary=b', multipart('Content-Disposition: form-data; name="_me\\thod"')],
  ['multipart/form-data; boundary=b', multipart("Content-Disposition: form-data; name*=utf-8''%5fmethod")],
  ['multipart/form-data; boundary=b', multipart('Content-Disposition: form-data; name="=?utf-8?B?X21ldGhvZA==?="')],
]

const plainBodies: ReadonlyArray<readonly [type: string, body: string]> = [
  [form, 'method=card&a=_method'],
  ['application/json', '{"method":"card","a":{"_method":"DELETE"},"b":"_method"}'],
  ['application/json', '["_method"]'],
  ['multipart/form-data; boundary=b', multipart('Content-Disposition: form-data; name="a"; filename="_method"')],
  ['text/plain', '_method=DELETE'],
]

const typed = (type: string | undefined): Array<[string, string]> => [
  ['host', 'api.example'],
  ...(type === undefined ? [] : [['content-type', type] satisfies [string, string]]),
]

function reasonOf({ status, body }: Answer): unknown {
  return [status, body.startsWith('{') ? JSON.parse(body).reason : body]
}

test(
  verifies(
    'COV-48',
    'sig.method.parameter',
    'a parameter that names another method passes no lax rule beside a strict one',
  ),
  async () => {
    const { port, upstream } = await start(ok, routes)
    const post = (query: string, type?: string, body?: string) =>
      call(port, {
        method: 'POST',
        target: `/items/5${query}`,
        headers: typed(type),
        ...(body === undefined ? {} : { body }),
      })
    for (const query of queries) expect(reasonOf(await post(`?${query}`)), query).toEqual([400, 'method_overridden'])
    for (const [type, body] of bodies)
      expect(reasonOf(await post('', type, body)), body).toEqual([400, 'method_overridden'])
    expect(upstream.seen).toEqual([])

    for (const query of ['', '?method=card', '?a=_method', '?a[_method]=1', '?__method=1'])
      expect(reasonOf(await post(query)), query).toEqual([200, 'hello'])
    for (const [type, body] of plainBodies) expect(reasonOf(await post('', type, body)), body).toEqual([200, 'hello'])
  },
)

test(
  verifies('COV-48', 'one rule for all methods lets a form with _method pass, but no safe request with it'),
  async () => {
    const { port, upstream } = await start(ok, routes)
    expect((await call(port, { method: 'POST', target: '/any?_method=DELETE' })).status).toBe(200)
    expect(
      (await call(port, { method: 'POST', target: '/any', headers: typed(form), body: '_method=PUT' })).status,
    ).toBe(200)
    for (const method of ['GET', 'OPTIONS'])
      expect(reasonOf(await call(port, { method, target: '/any?_method=DELETE' })), method).toEqual([
        400,
        'method_overridden',
      ])
    expect((await call(port, { target: '/any?method=DELETE' })).status).toBe(200)
    expect(upstream.seen.length).toBe(3)
  },
)

test('a body whose members cannot be read does not pass where one of them could name the method', async () => {
  const { port } = await start(ok, routes)
  const zipped = gzipSync('{"_method":"DELETE"}').toString('latin1')
  const post = (target: string, type: string, body: string, coding: string) =>
    call(port, { method: 'POST', target, headers: [...typed(type), ['content-encoding', coding]], body })
  for (const type of [form, 'application/json', 'multipart/form-data; boundary=b'])
    expect(reasonOf(await post('/items/5', type, zipped, 'gzip')), type).toEqual([415, 'body_compressed'])
  expect(reasonOf(await post('/items/5', 'application/json', '{_method:"DELETE"}', 'identity'))).toEqual([
    400,
    'json_malformed',
  ])
  expect(reasonOf(await post('/items/5', 'application/json', '{}', 'identity'))).toEqual([200, 'hello'])
  expect(reasonOf(await post('/items/5', 'image/png', zipped, 'gzip'))).toEqual([200, 'hello'])
  expect(reasonOf(await post('/any', form, zipped, 'gzip'))).toEqual([200, 'hello'])
})

test('a check refuses such a query, and such a body where it sees it', async () => {
  for (const ask of [nginx({ routes }), envoy({ routes })]) {
    const told = await ask({ method: 'POST', target: '/items/5?_method=DELETE' })
    expect([told.meant ?? String(told.status), told.reason]).toEqual(['400', 'method_overridden'])
    expect((await ask({ method: 'POST', target: '/items/5?method=DELETE' })).status).toBe(200)
  }
})

test('the search for names is linear in the body', () => {
  const costs = (type: string, piece: string, count: number): number => {
    const body = new TextEncoder().encode(piece.repeat(count))
    const message: ReceivedMessage = { method: 'POST', target: '/', headers: [['content-type', type]], body }
    const begun = performance.now()
    overrideInQuery(message, { isOneRule: false }) ?? overrideInBody(message)
    return performance.now() - begun
  }
  // Quadratic, it would take minutes.
  for (const [type, piece] of [
    [form, '&%'],
    [form, '&%5fmetho'],
    [form, '%5'],
    [form, '%5f'],
    ['application/json', '['],
    ['multipart/form-data', 'content-disposition: name="\\" '],
    ['multipart/form-data', 'content-disposition: name='],
    ['multipart/form-data', '\n '],
  ] as const)
    expect(costs(type, piece, Math.floor(1_000_000 / piece.length)), piece).toBeLessThan(5000)
}, 60_000)
