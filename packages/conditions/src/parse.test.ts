import { AAuthError } from '@countersign/protocol'
import { numRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { condition as anyCondition } from './analysis/universe.test.fixture.js'
import { type Condition, firstUnmet, maxConditionBytes, maxConditions, parseConditions } from './index.js'

const refused = expect.objectContaining({
  name: 'AAuthError',
  code: 'policy_denied',
  status: 403,
  reason: 'condition_malformed',
})
const mail = 'https://mail.corp.example'

/** One good condition of each type. */
const good: readonly Condition[] = [
  { type: 'resources', any: [mail, 'https://*.corp.example'] },
  { type: 'scopes', any: ['mail.read'] },
  { type: 'purposes', any: ['support'] },
  { type: 'until', time: 1_800_000_000 },
  { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' },
  { type: 'calls', max: 5, per: 'day' },
  { type: 'chain', max: 1, through: ['https://middle.example'] },
  { type: 'data', resource: mail, fields: ['/items/*/title', ''] },
  {
    type: 'arguments',
    resource: mail,
    of: 'send',
    where: [{ at: '/to', in: ['bob', 1, true, null] }, { at: '/text' }],
  },
  { type: 'approval', resource: mail, of: ['send'] },
]
const [resources, scopes, purposes, until, hours, calls, chain, data, args, approval] = good

/** A condition with members changed; `undefined` leaves one out. */
function changed(condition: Condition | undefined, members: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify({ ...condition, ...members }))
}

/** Each is refused, by itself and beside good conditions. */
function expectRefused(wrong: readonly unknown[]): void {
  for (const condition of wrong) {
    const text = JSON.stringify(condition)
    expect(() => parseConditions([condition]), text).toThrow(refused)
    expect(() => parseConditions([...good, condition]), text).toThrow(refused)
  }
  expect(parseConditions(good)).toEqual(good)
}

test('each type is read as it stands, and a copy of it is frozen', () => {
  const given = structuredClone(good)
  const read = parseConditions(given)
  expect(read).toEqual(good)
  const hour = read.find(({ type }) => type === 'hours')
  expect(() => Object.assign(hour ?? {}, { to: '23:59' })).toThrow(TypeError)
  expect(() => (read as Condition[]).pop()).toThrow(TypeError)
  expect(Object.isFrozen(read.find(condition => condition.type === 'arguments')?.where[0]?.in)).toBe(true)
  // What was given stays the caller's.
  Object.assign(given[3] ?? {}, { time: 1 })
  expect(read[3]).toEqual({ type: 'until', time: 1_800_000_000 })
})

test(verifies('DEL-02', 'a list that is no array of objects with a type is refused, null too'), () => {
  for (const list of [
    null,
    undefined,
    {},
    'x',
    7,
    true,
    [null],
    [[]],
    [{}],
    [{ type: null }],
    [{ type: ['until'] }],
    ['until'],
  ])
    expect(() => parseConditions(list), JSON.stringify(list)).toThrow(refused)
  expect(parseConditions([])).toEqual([])
})

test(verifies('DEL-03', 'an unknown type is refused, whatever stands beside it'), () => {
  for (const type of ['moon', 'Until', 'until ', '', 'constructor', '__proto__', 'toString'])
    expectRefused([{ type }, changed(until, { type })])
})

test(verifies('DEL-04', 'a misspelt, foreign or missing member is refused'), () => {
  expectRefused([
    { type: 'calls', max: 5, pre: 'day' },
    changed(until, { zone: 'UTC' }),
    changed(hours, { zone: undefined }),
    { type: 'chain', max: 1, thru: ['https://middle.example'] },
    ...good.flatMap(condition => [
      changed(condition, { note: 'x' }),
      // Of the members only `through` may be missing.
      ...Object.keys(condition)
        .filter(member => member !== 'through')
        .map(member => changed(condition, { [member]: undefined })),
    ]),
    changed(args, { where: [{ at: '/to', is: 'bob' }] }),
    changed(args, { where: [{ in: ['bob'] }] }),
    JSON.parse('{"type":"until","time":1,"__proto__":{"a":1}}'),
  ])
})

test(verifies('DEL-08', 'an empty array within a condition is refused'), () => {
  expectRefused([
    ...[resources, scopes, purposes].map(condition => changed(condition, { any: [] })),
    changed(hours, { days: [] }),
    changed(data, { fields: [] }),
    changed(approval, { of: [] }),
    changed(args, { where: [] }),
    changed(args, { where: [{ at: '/to', in: [] }] }),
    changed(chain, { through: [] }),
  ])
})

describe('a member of another type or out of range', () => {
  test(verifies('DEL-09', 'is refused'), () => {
    expectRefused([
      changed(resources, { any: mail }),
      ...['1', -1, 1.5, 2 ** 53, true, [1], {}].flatMap(value => [
        changed(until, { time: value }),
        changed(calls, { max: value }),
        changed(chain, { max: value }),
      ]),
      changed(chain, { max: 6 }),
      ...[[0], [8], ['1'], [1, 1.5], [1, null], 1, '1'].map(days => changed(hours, { days })),
      ...['9:00', '24:00', '09:60', '09:00:00', '0900', '٠٩:٠٠', 9, ''].flatMap(time => [
        changed(hours, { from: time }),
        changed(hours, { to: time }),
      ]),
      ...['week', 'Day', 1, ['day']].map(per => changed(calls, { per })),
    ])
  })

  test('is refused also where it is a name, an identifier or a pointer', () => {
    expectRefused([
      ...['a b', '', 'a"b', 'a\\b', 'é', 'x'.repeat(129), 1].flatMap(name => [
        changed(scopes, { any: ['mail.read', name] }),
        changed(purposes, { any: [name] }),
        changed(args, { of: name }),
        changed(approval, { of: [name] }),
        changed(approval, { of: name }),
      ]),
      ...[
        'https://mail.corp.example/',
        'http://localhost:1234',
        'mail.corp.example',
        'https://*.corp.example',
        '*',
        1,
      ].flatMap(id => [
        changed(chain, { through: [id] }),
        changed(data, { resource: id }),
        changed(args, { resource: id }),
        changed(approval, { resource: id }),
      ]),
      ...['items', '/a~', '/a~2', '#/a', '/\ud800', `/${'a'.repeat(512)}`, 1, null].flatMap(pointer => [
        changed(data, { fields: ['/a', pointer] }),
        changed(args, { where: [{ at: pointer }] }),
      ]),
      ...[
        { in: [{}] },
        { in: [[]] },
        { in: 'bob' },
        { min: '1' },
        { max: null },
        { prefix: 1 },
        { prefix: '\udc00' },
      ].map(matcher => changed(args, { where: [{ at: '/to', ...matcher }] })),
      ...[{ maxLength: -1 }, { maxLength: 1.5 }, { min: 1, max: 2 }, { in: ['a'], prefix: 'a' }].map(matcher =>
        changed(args, { where: [{ at: '/to', ...matcher }] }),
      ),
    ])
    expect(parseConditions([changed(data, { resource: 'http://localhost:1234' })], { development: true })).toHaveLength(
      1,
    )
  })

  test('is none where integers are equal by value', () => {
    const json = '[{"type":"calls","max":3.0,"per":"day"},{"type":"until","time":1.8e9},{"type":"chain","max":0}]'
    expect(parseConditions(JSON.parse(json))).toEqual([
      { type: 'calls', max: 3, per: 'day' },
      { type: 'until', time: 1_800_000_000 },
      { type: 'chain', max: 0 },
    ])
    expect(parseConditions([changed(until, { time: 2 ** 53 - 1 })])).toHaveLength(1)
  })
})

test(verifies('policy.shape', 'a list has at most 32 conditions and 2 KiB of compact JSON in UTF-8'), () => {
  const many = Array.from({ length: 32 }, (_, i) => ({ type: 'until', time: i }))
  expect(parseConditions(many)).toHaveLength(maxConditions)
  expect(() => parseConditions([...many, { type: 'until', time: 32 }])).toThrow(refused)
  const frame = JSON.stringify([changed(args, { where: [{ at: '/to', prefix: '' }] })]).length
  const long = (prefix: string): unknown => [changed(args, { where: [{ at: '/to', prefix }] })]
  expect(parseConditions(long('x'.repeat(maxConditionBytes - frame)))).toHaveLength(1)
  expect(() => parseConditions(long('x'.repeat(maxConditionBytes - frame + 1)))).toThrow(refused)
  // Two bytes each.
  expect(() => parseConditions(long('é'.repeat((maxConditionBytes - frame) / 2 + 1)))).toThrow(refused)
  expect([maxConditions, maxConditionBytes]).toEqual([32, 2048])
})

test(verifies('DEL-39', 'calls per grant need an until, and are of no delegation'), () => {
  const once = changed(calls, { max: 1, per: 'grant' })
  expect(() => parseConditions([once])).toThrow(refused)
  expect(() => parseConditions([once, until], { delegation: true })).toThrow(refused)
  expect(parseConditions([once, until])).toHaveLength(2)
  expect(parseConditions([calls], { delegation: true })).toHaveLength(1)
})

describe('properties', () => {
  test('anything is a list of conditions or refused', () => {
    const members = fc.dictionary(
      fc.constantFrom(
        'type',
        'any',
        'time',
        'zone',
        'days',
        'from',
        'to',
        'max',
        'per',
        'through',
        'fields',
        'of',
        'where',
      ),
      fc.jsonValue({ maxDepth: 3 }),
    )
    const almost = fc.tuple(anyCondition, members).map(([condition, others]) => ({ ...condition, ...others }))
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(fc.oneof(members, almost), { maxLength: 3 })), value => {
        try {
          expect(parseConditions(value)).toEqual(JSON.parse(JSON.stringify(value)))
        } catch (error) {
          expect(error).toBeInstanceOf(AAuthError)
          expect(error).toEqual(refused)
        }
      }),
      { numRuns: Math.min(numRuns * 2, 10_000) },
    )
  })

  test('what was read is read again as the same, and judged as the same', () => {
    const facts = { now: 1_800_000_000, resource: mail, scope: ['read'], levels: 1, services: ['https://m.example'] }
    fc.assert(
      fc.property(fc.array(anyCondition, { maxLength: 4 }), list => {
        if (list.some(condition => condition.type === 'calls' && condition.per === 'grant')) return
        const read = parseConditions(list)
        const again = parseConditions(JSON.parse(JSON.stringify(read)))
        expect(again).toEqual(read)
        expect(firstUnmet(again, facts)).toEqual(firstUnmet(read, facts))
      }),
      { numRuns: Math.min(numRuns * 2, 10_000) },
    )
  })

  test('a longer list refuses all that a shorter one refuses', () => {
    const facts = { now: 1_800_000_000, resource: 'https://b.a.example', scope: ['read'], levels: 1, services: [] }
    fc.assert(
      fc.property(fc.array(anyCondition, { maxLength: 3 }), anyCondition, (list, more) => {
        if (firstUnmet(list, facts) !== undefined) expect(firstUnmet([more, ...list], facts)).toBeDefined()
      }),
      { numRuns: Math.min(numRuns * 2, 10_000) },
    )
  })
})
