import { expect, test } from 'vitest'

test('what the room exports', async () => {
  expect(new Set(Object.keys(await import('./index.js')))).toEqual(
    new Set(['aauthOf', 'bearer', 'createResource', 'memoryCounter', 'memoryInteractions']),
  )
  expect(new Set(Object.keys(await import('./hono.js')))).toEqual(new Set(['cors', 'guard', 'wellKnown']))
  expect(new Set(Object.keys(await import('./redis.js')))).toEqual(new Set(['redisCounter']))
})
