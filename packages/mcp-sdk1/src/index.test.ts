import { expect, test } from 'vitest'

test('the package exports these names', async () => {
  expect(new Set(Object.keys(await import('./index.js')))).toEqual(new Set(['callerOf', 'guardMcp']))
})
