import type { Case } from '../case/case.js'
import { type Condition, freshUser } from './constrained.js'
import { type ResourceStage, routeOf } from './stage.js'
import { conditionCase, holding, hours, list } from './tried-condition.js'

/** Lists of conditions in auth tokens, and the form of each condition. @see protocol §9.1 */
export const conditionFormCases: readonly Case<ResourceStage>[] = [
  conditionCase({
    id: 'DEL-01',
    words: 'An absent list and `[]` hold',
    clauses: ['policy.all-hold'],
    hold: () => [list('an empty list')],
  }),
  conditionCase({
    id: 'DEL-15',
    words: 'of two conditions of one type both must hold',
    needs: ['condition-scopes'],
    hold: stage => {
      const { scope } = routeOf(stage, 'authorized')
      const any = scope.split(' ')
      return [
        list(
          'two lists of scopes with the one of the route',
          { type: 'scopes', any },
          { type: 'scopes', any: [...any, 'x'] },
        ),
      ]
    },
    fail: stage => {
      const any = routeOf(stage, 'authorized').scope.split(' ')
      return [
        list('the second of two lists of scopes lacks it', { type: 'scopes', any }, { type: 'scopes', any: ['x'] }),
        list('the first of them lacks it', { type: 'scopes', any: ['x'] }, { type: 'scopes', any }),
      ]
    },
  }),
  conditionCase({
    id: 'DEL-02',
    words: ['must be an object with a known `type`', '`null` is no list and no value'],
    fail: () => [
      ['constraints is null', { constraints: null }],
      ['it is an object', { constraints: {} }],
      ['it is text', { constraints: 'x' }],
      list('an entry is null', null),
      list('an entry is a list', []),
      list('an entry has no type', {}),
      list('a type is null', { type: null }),
    ],
  }),
  conditionCase({
    id: 'DEL-03',
    words: 'must refuse with `policy_denied`',
    clauses: ['policy.unknown', 'policy.answer'],
    fail: () => [
      list('a type that nobody knows', { type: 'moon' }),
      list('beside one that holds', holding, { type: 'moon' }),
    ],
  }),
  conditionCase({
    id: 'DEL-04',
    words: 'and with no other member',
    hold: () => [list('until', holding), list('hours', hours({}))],
    fail: () => [
      list('a member is misspelt', { type: 'calls', max: 5, pre: 'day' }),
      list('until has a zone', { ...holding, zone: 'UTC' }),
      list('hours has no zone', hours({ zone: undefined })),
      list('chain has a member that nobody knows', { type: 'chain', max: 1, thru: [] }),
    ],
  }),
  conditionCase({
    id: 'DEL-08',
    words: 'No array within a condition may be empty',
    fail: () => [
      list('scopes with an empty list', { type: 'scopes', any: [] }),
      list('resources with an empty list', { type: 'resources', any: [] }),
      list('hours without days', hours({ days: [] })),
      list('chain through nobody', { type: 'chain', max: 1, through: [] }),
    ],
  }),
  conditionCase({
    id: 'DEL-09',
    words: ['with all members of §9.2 that its type needs', 'at most 32 conditions'],
    clauses: ['policy.shape'],
    hold: () => [
      [
        'integers are written as 1000.0, 1e3 and 4.0e9',
        {
          constraints: [
            { type: 'calls', max: 1000, per: 'day' },
            { type: 'calls', max: 1001, per: 'hour' },
            { type: 'until', time: 4_000_000_000 },
          ],
          claims: freshUser(),
          written: text =>
            text
              .replace('"max":1000,', '"max":1000.0,')
              .replace('"max":1001,', '"max":1e3,')
              .replace('"time":4000000000', '"time":4.0e9'),
        },
      ],
    ],
    fail: () => [
      list('any is text', { type: 'scopes', any: 'x' }),
      list('time is text', { type: 'until', time: '4000000000' }),
      list('max is negative', { type: 'calls', max: -1, per: 'day' }),
      list('max is no whole number', { type: 'calls', max: 1.5, per: 'day' }),
      list('max is 2^53', { type: 'calls', max: 2 ** 53, per: 'day' }),
      list('per is a week', { type: 'calls', max: 5, per: 'week' }),
      list('a day is 0', hours({ days: [0] })),
      list('a day is 8', hours({ days: [8] })),
      list('from has no leading zero', hours({ from: '9:00' })),
      list('to is 24:00', hours({ to: '24:00' })),
      list('chain has max 6', { type: 'chain', max: 6 }),
      list('there are 33 conditions', ...Array.from({ length: 33 }, () => holding)),
    ],
  }),
  conditionCase({
    id: 'policy.shape',
    words: 'A list must have at most 32 conditions',
    needs: ['arguments', 'approval', 'data', 'calls', 'chain', 'until'].map(type => `condition-${type}`),
    hold: () => [
      list('32 conditions', ...Array.from({ length: 32 }, () => holding)),
      list('2 KiB as compact JSON', ...ofBytes(2048, 'x')),
      list('2 KiB as compact JSON, in letters of two bytes', ...ofBytes(2048, 'é')),
      [
        '2 KiB as compact JSON, and the token is written with spaces',
        {
          constraints: ofBytes(2048, 'x'),
          written: text => text.replaceAll('":', '" : ').replaceAll('{"', '{ "'),
        },
      ],
      list('the members stand in another order', { time: 4_000_000_000, type: 'until' }),
      ...longest.map(([title, condition]) => list(title, condition(0))),
    ],
    fail: () => [
      list('33 conditions', ...Array.from({ length: 33 }, () => holding)),
      list('a byte more than 2 KiB', ...ofBytes(2049, 'x')),
      list('a byte more than 2 KiB, in letters of two bytes', ...ofBytes(2049, 'é')),
      ...longest.map(([title, condition]) => list(`${title}, and one more`, condition(1))),
    ],
  }),
]

const elsewhere = 'https://other.example'

/** Conditions that hold with the longest or largest value that a member may have, and are of a wrong shape with one more. */
const longest: ReadonlyArray<readonly [title: string, condition: (more: 0 | 1) => Condition]> = [
  ['an operation of 128 characters', more => ({ ...argumentsOf(), of: 'w'.repeat(128 + more) })],
  ['approval of an operation of 128 characters', more => approvalOf('w'.repeat(128 + more))],
  ['a pointer of 512 characters', more => argumentsOf({ at: `/${'p'.repeat(511 + more)}` })],
  ['fields of 512 characters', more => ({ type: 'data', resource: elsewhere, fields: [`/${'p'.repeat(511 + more)}`] })],
  ['calls up to 2^53 - 1', more => ({ type: 'calls', max: Number.MAX_SAFE_INTEGER + more, per: 'day' })],
  ['a chain of 5', more => ({ type: 'chain', max: 5 + more })],
  ['until 2^53 - 1', more => ({ type: 'until', time: Number.MAX_SAFE_INTEGER + more })],
  ['maxLength of 2^53 - 1', more => argumentsOf({ at: '/x', maxLength: Number.MAX_SAFE_INTEGER + more })],
]

const argumentsOf = (rule: object = { at: '/x' }): Condition => ({
  type: 'arguments',
  resource: elsewhere,
  of: 'x',
  where: [rule],
})

const approvalOf = (word: string): Condition => ({ type: 'approval', resource: elsewhere, of: [word] })

/** A list of so many bytes as compact JSON in UTF-8, most of them in one letter. */
function ofBytes(bytes: number, letter: string): readonly Condition[] {
  const made = (prefix: string) => [argumentsOf({ at: '/x', prefix }), argumentsOf({ at: '/x', prefix: '' })]
  const left = bytes - Buffer.byteLength(JSON.stringify(made('')))
  const size = Buffer.byteLength(letter)
  return made(`${'x'.repeat(left % size)}${letter.repeat(Math.floor(left / size))}`)
}
