import { expect, test } from 'vitest'

test('what the room exports', async () => {
  expect(new Set(Object.keys(await import('./index.js')))).toEqual(
    new Set([
      'bearer',
      'createResource',
      'describeBy',
      'display',
      'memoryCounter',
      'logTo',
      'projectResponse',
      'memoryInteractions',
      'memoryRevocationSet',
      'recordOf',
      'revocableResponse',
      'webBot',
    ]),
  )
  const adapter = ['cors', 'guard', 'wellKnown']
  expect(new Set(Object.keys(await import('./adapter/hono.js')))).toEqual(new Set(adapter))
  expect(new Set(Object.keys(await import('./adapter/node.js')))).toEqual(new Set(adapter))
  expect(new Set(Object.keys(await import('./adapter/express-node.js')))).toEqual(
    new Set([...adapter, 'keepBody', 'setbacks']),
  )
  expect(new Set(Object.keys(await import('./adapter/fastify-node.js')))).toEqual(new Set(adapter))
  expect(new Set(Object.keys(await import('./adapter/fetch.js')))).toEqual(new Set(adapter))
  expect(new Set(Object.keys(await import('./event/otel.js')))).toEqual(new Set(['openTelemetry']))
})
