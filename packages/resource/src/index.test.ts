import { expect, test } from 'vitest'

test('what the room exports', async () => {
  expect(Object.keys(await import('./index.js'))).toEqual(['aauthOf', 'createResource', 'memoryCounter'])
  expect(Object.keys(await import('./hono.js'))).toEqual(['guard', 'wellKnown'])
})
