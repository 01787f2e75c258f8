import { expect, test } from 'vitest'

test('every entry point exports what the README lists, and nothing else', async () => {
  const names = async (entry: Promise<object>): Promise<string[]> =>
    Object.keys(await entry).toSorted((a, b) => a.localeCompare(b))
  expect(await names(import('./index.js'))).toEqual(['RedisError', 'redisReplaySet'])
  expect(await names(import('./resource.js'))).toEqual(['redisCounter', 'redisInteractions', 'redisRevocationSet'])
  expect(await names(import('./mcp.js'))).toEqual(['redisEventBus'])
})
