import { expect, test } from 'vitest'

test('what the room exports', async () => {
  expect(new Set(Object.keys(await import('./index.js')))).toEqual(
    new Set([
      'aauthOf',
      'bearer',
      'createResource',
      'isDenied',
      'memoryCounter',
      'logTo',
      'memoryInteractions',
      'recordOf',
    ]),
  )
  const adapter = ['cors', 'guard', 'wellKnown']
  expect(new Set(Object.keys(await import('./hono.js')))).toEqual(new Set(adapter))
  expect(new Set(Object.keys(await import('./node.js')))).toEqual(new Set(adapter))
  expect(new Set(Object.keys(await import('./express-node.js')))).toEqual(new Set([...adapter, 'keepBody', 'setbacks']))
  expect(new Set(Object.keys(await import('./fastify-node.js')))).toEqual(new Set(adapter))
  expect(new Set(Object.keys(await import('./fetch.js')))).toEqual(new Set(adapter))
  expect(new Set(Object.keys(await import('./otel.js')))).toEqual(new Set(['openTelemetry']))
  expect(new Set(Object.keys(await import('./redis.js')))).toEqual(new Set(['redisCounter']))
})
