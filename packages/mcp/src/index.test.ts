import { expect, test } from 'vitest'

test('what the room exports', async () => {
  expect(new Set(Object.keys(await import('./index.js')))).toEqual(new Set(['callerOf', 'guardMcp']))
})
