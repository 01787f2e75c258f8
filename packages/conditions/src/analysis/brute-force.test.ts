import type { Condition, Conditions } from '@countersign/protocol'
import { numRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { conflicts, implies } from './implies.js'
import { refusedBy } from './judge-request.js'
import type { ConsideredRequest } from './request.js'

// Every request of a universe so small that all can be tried, and so complete that two lists that differ do so in it.

const here = 'https://b.a.example'
const [m, n, o] = ['https://m.example', 'https://n.example', 'https://o.example']

const subsets = (values: readonly string[]): string[][] =>
  Array.from({ length: 2 ** values.length }, (_, chosen) => values.filter((__, at) => (chosen >> at) % 2 === 1))

/** Chains of services: every one of at most three, and of more those that matter. */
const chains = [
  [],
  ...[m, n, o].flatMap(one => [
    [one],
    ...[m, n, o].flatMap(two => [[one, two], ...[m, n, o].map(three => [one, two, three])]),
  ]),
  [m, m, m, m],
  [n, n, n, n],
  [m, n, m, n],
]

const someOf = (values: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...values], { minLength: 1 })

/** One kind of condition, and all that requests can be in its regard. */
interface Kind {
  readonly conditions: fc.Arbitrary<Condition>
  readonly requests: ReadonlyArray<Partial<ConsideredRequest>>
}

const unused = { minute: 0, hour: 0, day: 0, grant: 0 }

const kinds: Readonly<Record<string, Kind>> = {
  resources: {
    conditions: someOf([here, 'https://a.example', 'https://*.a.example', 'https://*.b.a.example']).map(any => ({
      type: 'resources',
      any,
    })),
    requests: [here, 'https://a.example', 'https://c.a.example', 'https://c.b.a.example', 'https://ba.example'].map(
      resource => ({ resource }),
    ),
  },
  scopes: {
    conditions: someOf(['read', 'send', 'openid']).map(any => ({ type: 'scopes', any })),
    requests: subsets(['read', 'send', 'openid', 'other']).map(scope => ({ scope })),
  },
  purposes: {
    conditions: someOf(['support', 'billing']).map(any => ({ type: 'purposes', any })),
    requests: subsets(['support', 'billing', 'other']).map(purposes => ({ purposes })),
  },
  until: {
    conditions: fc.constantFrom(50, 51, 100).map(time => ({ type: 'until', time })),
    requests: [0, 49, 50, 51, 99, 100, 101].map(now => ({ now })),
  },
  chain: {
    conditions: fc.record(
      { type: fc.constant('chain' as const), max: fc.integer({ min: 0, max: 3 }), through: someOf([m, n]) },
      { requiredKeys: ['type', 'max'] },
    ),
    requests: chains.map(services => ({ levels: services.length, services })),
  },
  calls: {
    conditions: fc.record({
      type: fc.constant('calls' as const),
      max: fc.integer({ min: 0, max: 2 }),
      per: fc.constantFrom('minute' as const, 'day' as const),
    }),
    requests: [0, 1, 2].flatMap(minute => [0, 1, 2].map(day => ({ used: { ...unused, minute, day } }))),
  },
  approval: {
    conditions: fc
      .oneof(someOf(['send', 'purge']), fc.constant('*' as const))
      .map(of => ({ type: 'approval', resource: here, of })),
    requests: [undefined, 'send', 'purge', 'other'].flatMap(operation =>
      [true, false].flatMap(safe => [true, false].map(approved => ({ operation, safe, approved }))),
    ),
  },
}

const plain: ConsideredRequest = {
  now: 49,
  resource: here,
  scope: [],
  purposes: ['support'],
  levels: 0,
  services: [],
  safe: true,
  used: unused,
  approved: true,
}

/** All requests that differ in regard of these kinds. */
function requestsOf(names: readonly string[]): ConsideredRequest[] {
  return kindsOf(names).reduce(
    (all, { requests }) => all.flatMap(one => requests.map(each => Object.assign({}, one, each))),
    [plain],
  )
}

function kindsOf(names: readonly string[]): Kind[] {
  return names.flatMap(name => kinds[name] ?? [])
}

const pair = fc.subarray(Object.keys(kinds), { minLength: 1, maxLength: 2 }).chain(names => {
  const list = fc.array(fc.oneof(...kindsOf(names).map(({ conditions }) => conditions)), { maxLength: 3 })
  return fc.tuple(fc.constant(names), list, list)
})

test('implies and conflicts say what trying every request of a small universe says', () => {
  const seen = { implied: 0, not: 0, conflicts: 0 }
  fc.assert(
    fc.property(pair, ([names, a, b]: [string[], Conditions, Conditions]) => {
      const allowed = requestsOf(names).filter(request => refusedBy(a, request) === undefined)
      const isImplied = allowed.every(request => refusedBy(b, request) === undefined)
      expect(implies(a, b)).toBe(isImplied)
      expect(conflicts(a)).toBe(allowed.length === 0)
      seen[isImplied ? 'implied' : 'not']++
      if (allowed.length === 0) seen.conflicts++
    }),
    { numRuns: Math.min(numRuns, 5000) },
  )
  // Both answers were tried often: an `implies` that always says one of them does not pass.
  expect(Math.min(seen.implied, seen.not)).toBeGreaterThan(50)
  expect(seen.conflicts).toBeGreaterThan(5)
})
