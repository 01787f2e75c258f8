import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { defaultStreamLimits, streamShares } from './shares.js'

const agent = (name: string, delegate: string) => ({ agent: `https://${name}.example`, delegate })

test(
  verifies('mcp.shares', 'one caller has so many subscriptions, a site a tenth of all, and what ends makes room'),
  () => {
    const shares = streamShares({ subscriptions: 40, perCaller: 2 })
    const one = shares.enter(agent('one.many', 'a'))
    expect(one).toBeTypeOf('function')
    expect(shares.enter(agent('one.many', 'a'))).toBeTypeOf('function')
    expect(shares.enter(agent('one.many', 'a'))).toBeUndefined()
    expect(shares.enter(agent('two.many', 'b'))).toBeTypeOf('function')
    expect(shares.enter(agent('three.many', 'c'))).toBeTypeOf('function')
    // Subdomains cost nothing: the site has its tenth.
    expect(shares.enter(agent('four.many', 'd'))).toBeUndefined()
    expect(shares.enter(agent('other', 'e'))).toBeTypeOf('function')
    one?.()
    one?.()
    expect(shares.enter(agent('four.many', 'd'))).toBeTypeOf('function')
    expect(shares.enter(agent('four.many', 'd'))).toBeUndefined()
  },
)

test('all callers together have no more than all; keys, tokens without a user and strangers have a tenth each', () => {
  const { subscriptions } = defaultStreamLimits
  const shares = streamShares(defaultStreamLimits)
  const open = (count: number, of: (index: number) => object): number =>
    Array.from({ length: count }, (_, index) => shares.enter(of(index))).filter(leave => leave !== undefined).length
  expect(open(subscriptions, index => ({ key: `k${index}` }))).toBe(subscriptions / 10)
  expect(open(subscriptions, () => ({}))).toBe(subscriptions / 10)
  // An OAuth client can get any number of tokens; one whose tokens name a user is told by that user.
  expect(open(subscriptions, index => ({ token: `t${index}` }))).toBe(subscriptions / 10)
  expect(open(100, index => ({ user: `u${index % 2}` }))).toBe(32)
  expect(open(subscriptions, index => agent(`a${index}`, 'a'))).toBe((subscriptions * 7) / 10 - 32)
  expect(open(1, () => agent('late', 'a'))).toBe(0)
})
