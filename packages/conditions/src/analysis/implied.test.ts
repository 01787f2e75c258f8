import type { ArgumentRule, Condition, Conditions, HoursCondition } from '@countersign/protocol'
import { describe, expect, test } from 'vitest'
import { conflicts, differences, implies, witness } from './implies.js'

const resource = 'https://mail.example'
const scopes = (...any: string[]): Condition => ({ type: 'scopes', any })
const purposes = (...any: string[]): Condition => ({ type: 'purposes', any })
const resources = (...any: string[]): Condition => ({ type: 'resources', any })
const until = (time: number): Condition => ({ type: 'until', time })
const data = (...fields: string[]): Condition => ({ type: 'data', resource, fields })
const send = (...where: ArgumentRule[]): Condition => ({ type: 'arguments', resource, of: 'send', where })
const approval = (...of: string[]): Condition => ({ type: 'approval', resource, of })
const calls = (max: number, per: 'minute' | 'hour' | 'day'): Condition => ({ type: 'calls', max, per })
const hours = (zone: string, from: string, to: string, days = [1, 2, 3, 4, 5, 6, 7]): HoursCondition => ({
  type: 'hours',
  zone,
  from,
  to,
  days,
})
const chain = (max: number, ...through: string[]): Condition => ({
  type: 'chain',
  max,
  ...(through.length > 0 && { through }),
})

type Case = readonly [rule: string, a: Conditions, b: Conditions]

const implied: readonly Case[] = [
  ['no condition is implied by every list', [scopes('a')], []],
  ['lists of scopes are met by what they share', [scopes('a', 'b'), scopes('b', 'c')], [scopes('b')]],
  ['`openid` needs no place in a list of scopes', [scopes('a', 'openid')], [scopes('a')]],
  [
    'a name below a host is inside of its wildcard',
    [resources('https://a.b.example')],
    [resources('https://*.example')],
  ],
  ['a wildcard is inside of the one around it', [resources('https://*.b.example')], [resources('https://*.example')]],
  [
    'two wildcards share the inner one',
    [resources('https://*.example'), resources('https://*.b.example', 'https://c.test')],
    [resources('https://*.b.example')],
  ],
  ['the earliest end counts', [until(50), until(100)], [until(60)]],
  ['a list that ended before 1970 allows nothing', [until(0)], [scopes('a')]],
  [
    'two windows are met in their overlap',
    [hours('UTC', '08:00', '12:00'), hours('UTC', '10:00', '17:00')],
    [hours('UTC', '10:00', '12:00')],
  ],
  ['zones whose clocks agree', [hours('Europe/Paris', '09:00', '17:00')], [hours('Europe/Berlin', '09:00', '17:00')]],
  [
    'summer time of one zone makes room for the other',
    [hours('Europe/Paris', '09:00', '17:00')],
    [hours('UTC', '07:00', '16:00')],
  ],
  [
    'a window over midnight belongs to the day it began',
    [hours('UTC', '22:00', '06:00', [5])],
    [hours('UTC', '00:00', '00:00', [5, 6])],
  ],
  ['fewer calls in the same window', [calls(3, 'hour')], [calls(5, 'hour')]],
  ['a shorter chain', [chain(1, 'https://m.example')], [chain(2, 'https://m.example', 'https://n.example')]],
  ['where nothing is passed on, services do not matter', [chain(0)], [chain(3, 'https://m.example')]],
  [
    'lists of services without a common one end the chain',
    [chain(5, 'https://m.example'), chain(5, 'https://n.example')],
    [chain(0)],
  ],
  ['no `act` is deeper than five', [], [chain(5)]],
  ['a pointer covers what is beneath', [data('/a/b')], [data('/a')]],
  ['lists of fields are met by what they share', [data('/a', '/b/c'), data('/b', '/c')], [data('/b/c')]],
  ['two wildcards meet in one pointer', [data('/a/*'), data('/*/b')], [data('/a/b', '/x')]],
  ['an answer is an object or an array, so all its members are all of it', [data('')], [data('/*')]],
  [
    'conditions of another resource are no matter where it is not allowed',
    [resources('https://a.example')],
    [data('/a')],
  ],
  ['a value of a shorter list', [send({ at: '/to', in: ['bob'] })], [send({ at: '/to', in: ['bob', 'ann'] })]],
  ['a longer prefix', [send({ at: '/to', prefix: 'https://b/' })], [send({ at: '/to', prefix: 'https://' })]],
  [
    'bounds that leave one number',
    [send({ at: '/n', min: 3 }), send({ at: '/n', max: 3 })],
    [send({ at: '/n', in: [3] })],
  ],
  ['a listed value has its length', [send({ at: '/to', in: ['bob'] })], [send({ at: '/to', maxLength: 3 })]],
  [
    'an array without elements does not have the one that is demanded',
    [send({ at: '/to', maxLength: 0 }, { at: '/to/0', in: ['bob'] })],
    [approval('send')],
  ],
  [
    'rules that no body meets make the operation impossible',
    [send({ at: '/to', maxLength: 1 }, { at: '/to/1', in: ['bob'] })],
    [approval('send')],
  ],
  [
    'a value and something beneath it cannot both be there',
    [send({ at: '/to', in: ['bob'] }, { at: '/to/x', in: [1] })],
    [send({ at: '/text', in: ['none'] })],
  ],
  ['approval of each operation', [{ type: 'approval', resource, of: '*' }], [approval('send', 'delete')]],
]

const others: readonly Case[] = [
  ['an unlisted scope', [scopes('a', 'b')], [scopes('a')]],
  ['purposes are demanded, not only limited', [scopes('a')], [purposes('a')]],
  [
    'the host of a wildcard is not below it',
    [resources('https://example.test')],
    [resources('https://*.example.test')],
  ],
  ['a host that ends alike', [resources('https://evilcorp.example')], [resources('https://*.corp.example')]],
  ['the same names at another port', [resources('https://*.a.example:8443')], [resources('https://*.a.example')]],
  [
    'names below a host are more than any list',
    [resources('https://*.a.example')],
    [resources('https://a.a.example', 'https://*.a.a.example')],
  ],
  ['a later end', [until(100)], [until(50)]],
  ['clocks that differ in winter', [hours('Europe/Paris', '09:00', '17:00')], [hours('UTC', '07:00', '15:00')]],
  [
    'clocks that are changed on different days',
    [hours('America/New_York', '09:00', '10:00')],
    [hours('Europe/Paris', '15:00', '16:00')],
  ],
  [
    'the morning after the window of another day',
    [hours('UTC', '22:00', '06:00', [5])],
    [hours('UTC', '00:00', '23:59', [5])],
  ],
  ['calls of an hour say nothing of a minute: each window counts by itself', [calls(5, 'hour')], [calls(5, 'minute')]],
  ['a service that is not listed', [chain(1)], [chain(1, 'https://m.example')]],
  ['a field that is not listed', [data('/a')], [data('/a/b')]],
  ['an answer that is not JSON', [scopes('a')], [data('')]],
  [
    'another member in the body',
    [send({ at: '/to', in: ['bob'] }, { at: '/bcc' })],
    [send({ at: '/to', in: ['bob'] })],
  ],
  ['a member that must be there', [send({ at: '/to' })], [send({ at: '/to', maxLength: 1e9 })]],
  [
    'decimals between two numbers',
    [send({ at: '/n', min: 1 }), send({ at: '/n', max: 1 + Number.EPSILON })],
    [send({ at: '/n', in: [1, 1 + Number.EPSILON] })],
  ],
  [
    'a string is counted in code points',
    [send({ at: '/to', in: ['\u{1f600}\u{1f600}'] })],
    [send({ at: '/to', maxLength: 1 })],
  ],
  ['an operation without approval', [approval('send')], [approval('send', 'delete')]],
  ['an unsafe request that names no operation', [], [approval('send')]],
]

describe('implies', () => {
  test.each(implied)('%s', (_, a, b) => {
    expect(differences(a, b)).toEqual([])
    expect(implies(a, b)).toBe(true)
  })

  test.each(others)('not: %s', (_, a, b) => {
    expect(implies(a, b)).toBe(false)
    expect(witness(a, b)?.allowedBy).toBe('first')
  })
})

describe('conflicts', () => {
  test.each<[string, Conditions]>([
    ['purposes without a common one', [purposes('a'), purposes('b')]],
    ['resources without a common one', [resources('https://a.example'), resources('https://*.a.example')]],
    ['no calls', [calls(0, 'day')]],
    ['windows that never meet', [hours('UTC', '09:00', '12:00', [1]), hours('UTC', '09:00', '12:00', [2])]],
    ['windows of distant zones', [hours('Asia/Tokyo', '09:00', '12:00'), hours('America/New_York', '09:00', '12:00')]],
    ['a window after the end', [until(3600), hours('UTC', '01:00', '02:00')]],
    [
      'a wildcard below which no name is short enough',
      [resources(`https://*.${`${'a'.repeat(62)}.`.repeat(3)}${'a'.repeat(63)}`)],
    ],
  ])('%s', (_, a) => {
    expect(conflicts(a)).toBe(true)
    expect(implies(a, [scopes('a')])).toBe(true)
  })

  test.each<[string, Conditions]>([
    ['scopes without a common one: a request may use none', [scopes('a'), scopes('b')]],
    ['fields without a common one: an answer may be empty', [data('/a'), data('/b')]],
    [
      'arguments that no body meets: there are other operations',
      [send({ at: '/a', in: [1] }), send({ at: '/b', in: [1] })],
    ],
    ['a window before the end', [until(3601), hours('UTC', '01:00', '02:00')]],
  ])('not: %s', (_, a) => {
    expect(conflicts(a)).toBe(false)
  })
})

test('a witness names the request, the list that allows it and the condition that refuses it', () => {
  const refusing = send({ at: '/to', in: ['bob'] }, { at: '/text' })
  expect(witness([refusing], [send({ at: '/to', in: ['bob', 'ann'] }, { at: '/text' })])).toEqual({
    allowedBy: 'second',
    refusedBy: refusing,
    request: {
      now: 1_767_225_600,
      resource,
      scope: [],
      purposes: undefined,
      levels: 0,
      services: [],
      safe: false,
      operation: 'send',
      body: { to: 'ann' },
      answer: {},
      used: { minute: 0, hour: 0, day: 0, grant: 0 },
      approved: true,
    },
  })
  expect(witness([scopes('a', 'b')], [scopes('b', 'a'), chain(5)])).toBe(undefined)
})

test('a body that would be too long is found, and not built', () => {
  const found = witness([send({ at: '/to', prefix: 'a' })], [send({ at: '/to', maxLength: 2_000_000 })])
  expect(found?.request.operation).toBe('send')
  expect(found?.request.body).toBe(undefined)
})
