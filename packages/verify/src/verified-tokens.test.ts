import { expect, test } from 'vitest'
import { authToken } from './network.test.fixture.js'
import { createVerifiedTokens, type VerifiedToken } from './verified-tokens.js'
import { scene } from './verifier.test.fixture.js'

const named = (name: string, agent = name): VerifiedToken => ({ iss: name, facts: { agent } }) as VerifiedToken
const nobody = () => undefined

test('the cache keeps its capacity and evicts the least recently used token first', () => {
  const cache = createVerifiedTokens(16, nobody)
  for (let i = 0; i < 16; i++) cache.set(`t${i}`, named(`t${i}`))
  // A token that is used again and again outlives any number of unused ones.
  for (let i = 16; i < 500; i++) {
    expect(cache.get('t0')).toMatchObject({ iss: 't0' })
    expect(cache.get(`t${i}`)).toBeUndefined()
    cache.set(`t${i}`, named(`t${i}`))
  }
  const held = Array.from({ length: 500 }, (_, i) => `t${i}`).filter(name => cache.get(name) !== undefined)
  expect(held).toHaveLength(16)
  expect(held).toEqual(['t0', ...Array.from({ length: 15 }, (_, i) => `t${485 + i}`)])
})

test('a token that is verified again replaces its own entry and evicts no other', () => {
  const cache = createVerifiedTokens(2, nobody)
  cache.set('a', named('first'))
  cache.set('b', named('b'))
  cache.set('a', named('second'))
  expect(cache.get('a')).toMatchObject({ iss: 'second' })
  expect(cache.get('b')).toMatchObject({ iss: 'b' })
})

test('of two tokens with one end neither is taken for the other', () => {
  const cache = createVerifiedTokens(2, nobody)
  const end = 'x'.repeat(64)
  cache.set(`a${end}`, named('a'))
  expect(cache.get(`b${end}`)).toBeUndefined()
  cache.set(`b${end}`, named('b'))
  expect([cache.get(`a${end}`), cache.get(`b${end}`)]).toEqual([undefined, expect.objectContaining({ iss: 'b' })])
})

test('large tokens count as more, and tokens of a site that holds many are evicted first', () => {
  const cache = createVerifiedTokens(1000, agent => agent)
  cache.set('honest', named('honest'))
  for (let i = 0; i < 5000; i++) cache.set(`${i}`.padStart(6000, 'x'), named('evil', 'evil.example'))
  expect(cache.get('honest')).toBeDefined()
  const held = Array.from({ length: 5000 }, (_, i) => cache.get(`${i}`.padStart(6000, 'x'))).filter(Boolean)
  // 5 MiB divided by 20 KiB each.
  expect(held.length).toBeGreaterThan(100)
  expect(held.length).toBeLessThan(300)
})

test('onToken is called for each token with hit or miss, and its errors are ignored', async () => {
  const { auth, key, withToken, verifierWith, refused } = await scene()
  const told: string[] = []
  const verifier = verifierWith({
    onToken(seen) {
      told.push(seen)
      throw new Error('the metrics are broken')
    },
  })
  const token = await authToken(auth, key, {})
  const verified = async () => (await verifier.verify(await withToken(token))).caller.level
  expect([await verified(), await verified(), await verified()]).toEqual(['authorized', 'authorized', 'authorized'])
  expect(told.splice(0)).toEqual(['miss', 'hit', 'hit'])
  await refused(await withToken('e30.e30.e30'), verifier)
  expect(told).toEqual(['miss'])
})

test('no request can change the facts that the next request with its token gets', async () => {
  const { auth, key, withToken, verifierWith } = await scene()
  const verifier = verifierWith({})
  const address = { locality: 'London', lines: ['1 Main St'] }
  const act = { iss: 'https://one.example', agent: 'https://first.example' }
  const token = await authToken(auth, key, { sub: 'ada', address, act })
  const called = async () => {
    const { caller } = await verifier.verify(await withToken(token))
    if (caller.level !== 'authorized') throw new Error(caller.level)
    return caller
  }
  const first = await called()
  const changes: ReadonlyArray<readonly [unknown, string, unknown]> = [
    [first.user?.claims['address'], 'locality', 'Paris'],
    [Object(first.user?.claims['address']).lines, '0', 'elsewhere'],
    [first.token.act, 'agent', 'https://evil.example'],
    [first.token.cnf.jwk, 'x', 'other'],
    [first.token, 'sub', 'mallory'],
    [first.scope, '0', 'admin'],
    [first.key, 'verify', async () => true],
    [first.key.publicJwk, 'x', 'other'],
  ]
  for (const [of, name, value] of changes) expect(Reflect.set(Object(of), name, value), name).toBe(false)
  const second = await called()
  expect(second.user).toEqual({ iss: auth.id, sub: 'ada', claims: { address } })
  expect(second.token).toMatchObject({ sub: 'ada', act })
})
