import { expect, test } from 'vitest'
import { type VerifiedToken, verifiedTokens } from './verified-tokens.js'

const named = (name: string): VerifiedToken => ({ iss: name }) as VerifiedToken

test('the cache holds its capacity and no more, and lets the least recently used go first', () => {
  const cache = verifiedTokens(16)
  for (let i = 0; i < 16; i++) cache.set(`t${i}`, named(`t${i}`))
  // One that is used again and again outlives any number that are not.
  for (let i = 16; i < 500; i++) {
    expect(cache.get('t0')).toEqual({ iss: 't0' })
    expect(cache.get(`t${i}`)).toBeUndefined()
    cache.set(`t${i}`, named(`t${i}`))
  }
  const held = Array.from({ length: 500 }, (_, i) => `t${i}`).filter(name => cache.get(name) !== undefined)
  expect(held).toHaveLength(16)
  expect(held).toEqual(['t0', ...Array.from({ length: 15 }, (_, i) => `t${485 + i}`)])
})

test('a token that is verified anew takes the place of itself, not of another', () => {
  const cache = verifiedTokens(2)
  cache.set('a', named('first'))
  cache.set('b', named('b'))
  cache.set('a', named('second'))
  expect(cache.get('a')).toEqual({ iss: 'second' })
  expect(cache.get('b')).toEqual({ iss: 'b' })
})
