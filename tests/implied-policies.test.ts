import { type Condition, type Conditions, conflicts, implies } from '@countersign/conditions'
import { longRuns } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allowed, refused, resource, solve } from './policy-solver.fixture.js'
import { isLong } from './tier.fixture.js'

// What one policy implies of another, against a solver that knows nothing of how the package decides it.

const pairs = isLong ? longRuns(10_000) : 150

const places = ['https://a.example', resource, 'https://*.a.example', 'https://*.b.a.example', 'https://ba.example']
const pointers = ['', '/a', '/b', '/*', '/a/b', '/a/*', '/*/b', '/*/*', '/0', '/*/0', '/a/1', '/*/1']
const matchers = [
  {},
  {},
  { in: [1, 'x'] },
  { in: [1] },
  { in: ['xy', null] },
  { in: [true] },
  { min: 1 },
  { min: 3 },
  { max: 2 },
  { max: 1 },
  { prefix: 'x' },
  { prefix: 'xy' },
  { maxLength: 0 },
  { maxLength: 1 },
]
const names = ['read', 'send', 'openid']

const some = (values: readonly string[]): fc.Arbitrary<string[]> =>
  fc.subarray([...values], { minLength: 1, maxLength: Math.min(3, values.length) })

const data: fc.Arbitrary<Condition> = some(pointers).map(fields => ({ type: 'data', resource, fields }))

const rule = fc.tuple(fc.constantFrom(...pointers), fc.constantFrom<object>(...matchers))
const rules: fc.Arbitrary<Condition> = fc
  .tuple(fc.constantFrom('send', 'send', 'read'), fc.array(rule, { minLength: 1, maxLength: 4 }))
  .map(([of, where]) => ({
    type: 'arguments',
    resource,
    of,
    where: where.map(([at, matcher]) => ({ at, ...matcher })),
  }))

const hours: fc.Arbitrary<Condition> = fc.record({
  type: fc.constant('hours' as const),
  zone: fc.constantFrom('UTC', 'Europe/Paris', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'),
  days: fc.oneof(fc.constant([1, 2, 3, 4, 5, 6, 7]), fc.subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 4 })),
  from: fc.constantFrom('00:00', '01:30', '09:00', '22:00'),
  to: fc.constantFrom('00:00', '03:30', '17:00', '23:59'),
})

const others: ReadonlyArray<fc.Arbitrary<Condition>> = [
  some(places).map((any): Condition => ({ type: 'resources', any })),
  some(names).map((any): Condition => ({ type: 'scopes', any })),
  some(names).map((any): Condition => ({ type: 'purposes', any })),
  fc.constantFrom(0, 50, 60, 4_000_000_000, 5_000_000_000).map((time): Condition => ({ type: 'until', time })),
  fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom('minute' as const, 'hour' as const, 'grant' as const))
    .map(([max, per]): Condition => ({ type: 'calls', max, per })),
  fc
    .tuple(fc.integer({ min: 0, max: 5 }), fc.option(some(['https://m.example', 'https://n.example'])))
    .map(([max, through]): Condition => ({ type: 'chain', max, ...(through !== null && { through }) })),
  fc
    .oneof(some(['read', 'send']), fc.constant('*' as const))
    .map((of): Condition => ({ type: 'approval', resource, of })),
]

const of = (condition: fc.Arbitrary<Condition>, most: number): fc.Arbitrary<Conditions> =>
  fc.array(condition, { maxLength: most })
const mixed = fc.oneof(data, rules, hours, ...others)
const pair = fc.oneof(
  fc.tuple(of(mixed, 5), of(mixed, 2)),
  fc.tuple(of(fc.oneof(...others), 6), of(fc.oneof(...others), 2)),
  fc.tuple(of(data, 3), of(data, 1)),
  fc.tuple(of(rules, 3), of(rules, 1)),
  fc.tuple(of(hours, 3), of(hours, 1)),
)

test('a policy implies and conflicts exactly as Z3 finds it', { timeout: 3_600_000 }, async () => {
  const sample = fc.sample(pair, pairs)
  const solved = await solve(sample.map(([a, b]) => [allowed(a), refused(b)]))
  expect(solved.length).toBe(2 * pairs)
  const found = sample.flatMap(([a, b]) => [conflicts(a), implies(a, b)].map(isNone => (isNone ? 'unsat' : 'sat')))
  const wrong = sample.filter((_, i) => [0, 1].some(at => found[2 * i + at] !== solved[2 * i + at]))
  expect(wrong).toEqual([])
  // Both answers are common, so that neither is right by chance.
  expect(found.filter(each => each === 'unsat').length).toBeGreaterThan(pairs / 5)
  expect(found.filter(each => each === 'sat').length).toBeGreaterThan(pairs / 5)
})
