import { expect, test } from 'vitest'

test('what the room exports', async () => {
  expect(Object.keys(await import('./index.js'))).toEqual(['createGateway'])
})
