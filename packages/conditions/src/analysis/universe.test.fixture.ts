import type { Condition, Conditions } from '@countersign/protocol'
import fc from 'fast-check'

/** Resources of the small universe: names below, beside and like one another. */
const places = [
  'https://a.example',
  'https://b.a.example',
  'https://*.a.example',
  'https://*.b.a.example',
  'https://ba.example',
]
export const resource = 'https://b.a.example'

const fields = ['/a', '/a/b', '/*/b', '/*', '/a/*', '/c/*/d', '/0/b', '', '/a/b/c', '/*/*/d']
const names = ['read', 'send', 'openid']
const services = ['https://m.example', 'https://n.example']
const zones = ['UTC', 'Europe/Paris', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata']

const some = (values: readonly string[]): fc.Arbitrary<string[]> =>
  fc.subarray([...values], { minLength: 1, maxLength: Math.min(3, values.length) })

const rule = fc
  .tuple(
    fc.constantFrom(...fields),
    fc.constantFrom<object>(
      ...[{}, { in: [1, 'x'] }, { in: [1] }, { in: ['xy', 2] }, { min: 1 }, { min: 3 }, { max: 2 }, { max: 1 }],
      ...[{ prefix: 'x' }, { prefix: 'xy' }, { maxLength: 0 }, { maxLength: 1 }, { maxLength: 2 }],
    ),
  )
  .map(([at, matcher]) => ({ at, ...matcher }))

export const until: fc.Arbitrary<Condition> = fc
  .constantFrom(0, 50, 100, 1_767_225_601, 1_800_000_000)
  .map(time => ({ type: 'until', time }))

export const hours: fc.Arbitrary<Condition> = fc.record({
  type: fc.constant('hours' as const),
  zone: fc.constantFrom(...zones),
  days: fc.subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 1 }),
  from: fc.constantFrom('00:00', '01:30', '08:00', '09:00', '22:00'),
  to: fc.constantFrom('00:00', '03:30', '17:00', '18:00', '23:59'),
})

export const data: fc.Arbitrary<Condition> = some(fields).map(each => ({ type: 'data', resource, fields: each }))

export const args: fc.Arbitrary<Condition> = fc
  .tuple(
    fc.constantFrom('send', 'send', 'read'),
    fc.uniqueArray(rule, { minLength: 1, maxLength: 3, selector: r => JSON.stringify(r) }),
  )
  .map(([of, where]) => ({ type: 'arguments', resource, of, where }))

/** Conditions of a small universe, so that lists often imply each other. */
export const condition: fc.Arbitrary<Condition> = fc.oneof(
  some(places).map((any): Condition => ({ type: 'resources', any })),
  some(names).map((any): Condition => ({ type: 'scopes', any })),
  some(names).map((any): Condition => ({ type: 'purposes', any })),
  until,
  hours,
  fc.record({
    type: fc.constant('calls' as const),
    max: fc.integer({ min: 0, max: 3 }),
    per: fc.constantFrom('minute', 'hour', 'day', 'grant'),
  }),
  fc.record(
    { type: fc.constant('chain' as const), max: fc.integer({ min: 0, max: 5 }), through: some(services) },
    { requiredKeys: ['type', 'max'] },
  ),
  data,
  args,
  fc.oneof(some(names), fc.constant('*' as const)).map((of): Condition => ({ type: 'approval', resource, of })),
)

export const conditions: fc.Arbitrary<Conditions> = fc.array(condition, { maxLength: 4 })
