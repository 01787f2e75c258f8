import { verifies } from '@countersign/requirements'
import { beforeAll, expect, test } from 'vitest'
import { call, stage } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld({ cors: ['https://app.example'] })
})
const start = stage(() => world)

const page = ['origin', 'https://app.example'] as const
const host = ['host', 'api.example'] as const
const asked = ['access-control-request-method', 'DELETE'] as const

test(verifies('cors.preflight', 'a preflight is answered before any route, and never by the API behind'), async () => {
  const { port, upstream } = await start((_, response) => response.end('ran'))
  for (const target of ['/x', '/open', '/scoped', '/nothing', '/aauth/resource-token']) {
    const { status, headers } = await call(port, { method: 'OPTIONS', target, headers: [host, page, asked] })
    expect([status, headers['access-control-allow-origin']], target).toEqual([204, 'https://app.example'])
  }
  const unsigned = await call(port, { method: 'OPTIONS', target: '/x', headers: [host, page] })
  expect(unsigned.status).toBe(401)
  expect(upstream.seen).toEqual([])
})

test(verifies('cors.exposed', 'answers can be read, and the API behind cannot allow more'), async () => {
  const { port, signed } = await start((_, response) => {
    response.setHeader('access-control-allow-origin', 'https://evil.example')
    response.setHeader('access-control-allow-credentials', 'true')
    response.end('hello')
  })
  const shown = ({ status, headers }: Awaited<ReturnType<typeof call>>) => [
    status,
    headers['access-control-allow-origin'],
    headers['access-control-allow-credentials'],
  ]
  const passed = await signed({ as: world.agent, target: '/x', headers: [[...page]] })
  expect(shown(passed)).toEqual([200, 'https://app.example', undefined])
  expect(passed.headers['vary']).toBe('Signature-Key, Origin')
  const evil = await signed({ as: world.agent, target: '/x', headers: [['origin', 'https://evil.example']] })
  expect(shown(evil)).toEqual([200, undefined, undefined])
  expect(shown(await call(port, { target: '/x', headers: [host, page] }))).toEqual([
    401,
    'https://app.example',
    undefined,
  ])
})
