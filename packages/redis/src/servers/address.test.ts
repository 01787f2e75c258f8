import { describe, expect, test } from 'vitest'
import { redisAddress } from './address.js'
import { slotOf } from './slot.js'

describe('the URL of a Redis', () => {
  test.each([
    ['redis://127.0.0.1:6379', ['redis://127.0.0.1:6379'], false],
    ['rediss://user:pw@redis.example/2', ['rediss://user:pw@redis.example/2'], false],
    ['redis://a:7001,b:7002,[::1]:7003', ['redis://a:7001', 'redis://b:7002', 'redis://[::1]:7003'], true],
    ['rediss://u:p@a:7001,b:7002', ['rediss://u:p@a:7001', 'rediss://u:p@b:7002'], true],
    ['redis://a:7001?cluster=true', ['redis://a:7001'], true],
    ['redis://a:7001,b:7002?cluster=true', ['redis://a:7001', 'redis://b:7002'], true],
  ])('%s', (url, urls, isCluster) => {
    expect(redisAddress(url)).toEqual({ urls, isCluster })
  })

  test.each([
    '',
    'http://a:1',
    'redis://',
    'redis://,b:1',
    'redis://a:7001,',
    'redis://a:7001,b:x',
    'redis://a:7001?cluster=yes',
    'redis://a:7001?db=1',
    'redis://a:7001,b:7002/1',
    'redis://a:7001/1?cluster=true',
    'redis://secret@a b:1',
  ])('refuses %j without repeating it', url => {
    expect(() => redisAddress(url)).toThrow(TypeError)
    expect(() => redisAddress(url)).not.toThrow(/secret|7001/)
  })
})

// As CLUSTER KEYSLOT of Redis 8 says.
test.each([
  ['123456789', 12_739],
  ['foo', 12_182],
  ['{user1000}.following', 3443],
  ['{user1000}.followers', 3443],
  ['foo{}{bar}', 8363],
  ['foo{{bar}}zap', 4015],
  ['foo{bar}{zap}', 5061],
  ['', 0],
  ['{countersign:replay:https://é.example}:since', 8834],
])('finds the slot of “%s”', (key, slot) => {
  expect(slotOf(key)).toBe(slot)
})
