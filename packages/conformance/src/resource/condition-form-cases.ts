import type { Case } from '../case/case.js'
import { type ResourceStage, routeOf } from './stage.js'
import { conditionCase, holding, hours, list } from './tried-condition.js'

/** Lists of conditions in auth tokens, and the form of each condition. @see protocol §9.1 */
export const conditionFormCases: readonly Case<ResourceStage>[] = [
  conditionCase({
    id: 'DEL-01',
    clauses: ['policy.all-hold'],
    hold: () => [list('an empty list')],
  }),
  conditionCase({
    id: 'DEL-15',
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
    clauses: ['policy.unknown', 'policy.answer'],
    fail: () => [
      list('a type that nobody knows', { type: 'moon' }),
      list('beside one that holds', holding, { type: 'moon' }),
    ],
  }),
  conditionCase({
    id: 'DEL-04',
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
    fail: () => [
      list('scopes with an empty list', { type: 'scopes', any: [] }),
      list('resources with an empty list', { type: 'resources', any: [] }),
      list('hours without days', hours({ days: [] })),
      list('chain through nobody', { type: 'chain', max: 1, through: [] }),
    ],
  }),
  conditionCase({
    id: 'DEL-09',
    clauses: ['policy.shape'],
    hold: () => [list('calls with max 1.0', { type: 'calls', max: 1000.0, per: 'day' })],
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
]
