import { numRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { conditions as lists } from './analysis/universe.test.fixture.js'
import { type Condition, type Conditions, implies, narrow, parseConditions } from './index.js'

const until = (time: number): Condition => ({ type: 'until', time })
const calls = (max: number, per: 'minute' | 'hour' | 'grant'): Condition => ({ type: 'calls', max, per })
const mail = 'https://mail.example'

test(verifies('DEL-46', 'only what another condition of its type implies is dropped'), () => {
  expect(narrow([[until(100)], [until(50)]])).toEqual([until(50)])
  expect(narrow([[until(50)], [until(100)]])).toEqual([until(50)])
  expect(narrow([[calls(5, 'hour')], [calls(5, 'minute')]])).toEqual([calls(5, 'hour'), calls(5, 'minute')])
  expect(narrow([[calls(5, 'hour')], [calls(3, 'hour')]])).toEqual([calls(3, 'hour')])
})

test(verifies('policy.narrow', 'the lists of all parties stand in their order, and none is merged'), () => {
  const operator = parseConditions([{ type: 'scopes', any: ['a', 'b'] }])
  const user = parseConditions([{ type: 'scopes', any: ['b', 'c'] }, until(100)])
  expect(narrow([operator, user, []])).toEqual([...operator, ...user])
  expect(narrow([])).toEqual([])
  expect(narrow([operator, operator])).toEqual(operator)
})

test('each type is compared', () => {
  const pairs: ReadonlyArray<readonly [wider: Condition, narrower: Condition]> = [
    [
      { type: 'resources', any: ['https://*.example'] },
      { type: 'resources', any: ['https://*.corp.example', mail] },
    ],
    [
      { type: 'scopes', any: ['a', 'b'] },
      { type: 'scopes', any: ['b'] },
    ],
    [
      { type: 'purposes', any: ['a', 'b'] },
      { type: 'purposes', any: ['b'] },
    ],
    [until(2), until(1)],
    [
      { type: 'hours', zone: 'UTC', days: [1, 2], from: '09:00', to: '10:00' },
      { type: 'hours', zone: 'UTC', days: [2], from: '09:00', to: '10:00' },
    ],
    [calls(2, 'grant'), calls(1, 'grant')],
    [
      { type: 'chain', max: 2 },
      { type: 'chain', max: 1, through: [mail] },
    ],
    [
      { type: 'chain', max: 2, through: [mail] },
      { type: 'chain', max: 0 },
    ],
    [
      { type: 'data', resource: mail, fields: ['/a', '/b'] },
      { type: 'data', resource: mail, fields: ['/b'] },
    ],
    [
      { type: 'approval', resource: mail, of: ['send'] },
      { type: 'approval', resource: mail, of: '*' },
    ],
    [
      { type: 'approval', resource: mail, of: ['send'] },
      { type: 'approval', resource: mail, of: ['purge', 'send'] },
    ],
  ]
  for (const [wider, narrower] of pairs) {
    expect(narrow([[wider], [narrower]])).toEqual([narrower])
    expect(narrow([[narrower], [wider]])).toEqual([narrower])
  }
})

test('what is of another resource, zone or hour stays', () => {
  const other = 'https://other.example'
  const both: readonly Conditions[] = [
    [
      { type: 'data', resource: mail, fields: ['/a'] },
      { type: 'data', resource: other, fields: ['/a'] },
    ],
    [
      { type: 'approval', resource: mail, of: '*' },
      { type: 'approval', resource: other, of: ['send'] },
    ],
    [
      { type: 'hours', zone: 'Europe/Paris', days: [1], from: '09:00', to: '10:00' },
      { type: 'hours', zone: 'Europe/Berlin', days: [1], from: '09:00', to: '10:00' },
    ],
    [
      { type: 'chain', max: 2, through: [mail] },
      { type: 'chain', max: 1 },
    ],
  ]
  for (const list of both) expect(narrow([list])).toEqual(list)
})

test(
  verifies('policy.narrow', 'a list that is too long for a token is refused, also where none of its parts is'),
  () => {
    const many = (from: number): Conditions =>
      parseConditions(
        Array.from({ length: 20 }, (_, i) => ({ type: 'resources', any: [`https://r${from + i}.example`] })),
      )
    const refused = expect.objectContaining({ code: 'access_denied', status: 403, reason: 'conditions_too_long' })
    expect(() => narrow([many(0), many(20)])).toThrow(refused)
    expect(narrow([many(0), many(0)])).toHaveLength(20)
    const large = parseConditions([
      { type: 'scopes', any: Array.from({ length: 15 }, (_, i) => `${i}`.padEnd(100, 'x')) },
    ])
    const larger = parseConditions([
      { type: 'scopes', any: Array.from({ length: 15 }, (_, i) => `${i}`.padEnd(99, 'y')) },
    ])
    expect(() => narrow([large, larger])).toThrow(refused)
    expect(narrow([large, large])).toEqual(large)
  },
)

test('a narrowed list allows exactly what all lists together allow', () => {
  fc.assert(
    fc.property(lists, lists, (a, b) => {
      const narrowed = narrow([a, b])
      expect(implies(narrowed, [...a, ...b])).toBe(true)
      // What is left out is not replaced.
      for (const condition of narrowed) expect([...a, ...b]).toContainEqual(condition)
    }),
    { numRuns: Math.min(numRuns * 2, 10_000) },
  )
})

test(
  verifies('policy.narrow', 'DEL-39', 'no end of a counted grant is left out: the count is kept until the last'),
  () => {
    const user = [until(100), calls(1, 'grant')]
    expect(narrow([user, [until(50)]])).toEqual([...user, until(50)])
    expect(narrow([user, [until(100)]])).toEqual(user)
    expect(narrow([[until(100), calls(1, 'hour')], [until(50)]])).toEqual([calls(1, 'hour'), until(50)])
  },
)
