import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { claimsOf, memberOf } from './asked-user.js'
import {
  conditionUnmet,
  conditionUnread,
  delegated,
  delegatedControl,
  delegatedRequest,
  refusedDelegations,
} from './delegation.js'
import { conditionsIn, hasCondition } from './policy-cases.js'
import { type AuthServerStage, asked } from './stage.js'
import { dayBefore, wallClock } from './wall-clock.js'

const group = 'conditions'
const needs = ['conditions']

/** A window in which it is now, in the members that are not given. */
function hours(stage: AuthServerStage, o: Readonly<Record<string, unknown>> = {}) {
  const clock = wallClock(stage.now())
  return { type: 'hours', zone: clock.zone, days: [clock.day], from: clock.at(-60), to: clock.at(60), ...o }
}

/** DEL: the conditions of protocol §9.2, as an auth server judges them. */
export const conditionCases: readonly Case<AuthServerStage>[] = [
  refusedDelegations({
    id: 'DEL-11',
    group,
    clauses: ['DEL-10'],
    refusal: conditionUnmet,
    right: stage => [{ type: 'resources', any: ['https://other.example', stage.resource.id] }],
    wrong: () => [
      ['another resource is listed', [{ type: 'resources', any: ['https://other.example'] }]],
      ['names below another host are listed', [{ type: 'resources', any: ['https://*.other.example'] }]],
    ],
  }),
  refusedDelegations({
    id: 'DEL-14',
    group,
    refusal: conditionUnmet,
    right: stage => [{ type: 'scopes', any: [...stage.configuration.directScopes] }],
    wrong: stage => [
      ['one of the scopes is not listed', [{ type: 'scopes', any: [stage.configuration.directScopes[0]] }]],
      ['none of them is listed', [{ type: 'scopes', any: ['other'] }]],
      ['they are listed in upper case', [{ type: 'scopes', any: stage.configuration.directScopes.map(upper) }]],
    ],
  }),
  refusedDelegations({
    id: 'DEL-22',
    group,
    refusal: conditionUnmet,
    right: stage => [{ type: 'until', time: stage.now() + 600 }],
    wrong: stage => [
      ['time is now', [{ type: 'until', time: stage.now() }]],
      ['time is an hour ago', [{ type: 'until', time: stage.now() - 3600 }]],
    ],
  }),
  {
    id: 'DEL-23',
    words: 'must issue no token that outlives them',
    group,
    needs,
    async run(trial, stage) {
      const time = stage.now() + 90
      const claims = claimsOf(await delegatedControl(trial, stage, { delegation: [{ type: 'until', time }] }))
      trial.holds('the token ends with it', Number(claims['exp']) <= time, `exp is ${claims['exp']}, time is ${time}`)
    },
  },
  refusedDelegations({
    id: 'DEL-25',
    group,
    refusal: conditionUnmet,
    right: stage => [hours(stage)],
    wrong: stage => {
      const clock = wallClock(stage.now())
      return [
        ['the window is later today', [hours(stage, { from: clock.at(60), to: clock.at(120) })]],
        ['the window has ended', [hours(stage, { from: clock.at(-120), to: clock.at(-60) })]],
        ['the window ends with this minute', [hours(stage, { to: clock.at(0) })]],
        ['the window is of another day', [hours(stage, { days: [dayBefore(clock.day)] })]],
      ]
    },
  }),
  {
    id: 'policy.hours',
    group,
    needs,
    clauses: ['DEL-29'],
    async run(trial, stage) {
      const clock = wallClock(stage.now())
      const claims = claimsOf(await delegatedControl(trial, stage, { delegation: [hours(stage, { to: clock.at(5) })] }))
      const end = clock.timeAt(5)
      trial.holds('the token ends with the window', Number(claims['exp']) <= end, `exp is ${claims['exp']}, not ${end}`)
      const whole = hours(stage, { days: [dayBefore(clock.day)], from: clock.at(60), to: clock.at(60) })
      await trial.accepted('a window of 24 hours began yesterday', () =>
        delegatedRequest(stage, { delegation: [whole] }),
      )
    },
  },
  {
    id: 'DEL-26',
    words: 'it goes over midnight',
    group,
    needs,
    async run(trial, stage) {
      const clock = wallClock(stage.now())
      const night = { from: clock.at(120), to: clock.at(60) }
      await delegatedControl(trial, stage, { delegation: [hours(stage, { ...night, days: [dayBefore(clock.day)] })] })
      await trial.refused(
        'a window over midnight begins today',
        () => delegatedRequest(stage, { delegation: [hours(stage, night)] }),
        conditionUnmet,
      )
    },
  },
  refusedDelegations({
    id: 'DEL-30',
    words: 'is the IANA name of a time zone that the receiver knows',
    group,
    refusal: conditionUnread,
    right: stage => [hours(stage)],
    wrong: stage => [
      ...['+09:00', 'utc', 'JST', 'Mars/Olympus', 'Factory'].map(
        zone => [`zone is ${zone}`, [hours(stage, { zone })]] as const,
      ),
      ['from is 24:00', [hours(stage, { from: '24:00' })]],
      ['from is 9:00', [hours(stage, { from: '9:00' })]],
      ['a day is 8', [hours(stage, { days: [8] })]],
    ],
  }),
  {
    id: 'DEL-16',
    group,
    needs,
    async run(trial, stage) {
      const purposes = [{ type: 'purposes', any: ['support'] }]
      const claims = claimsOf(
        await delegatedControl(trial, stage, { delegation: purposes, form: { purposes: 'support' } }),
      )
      trial.holds('the token has the purpose', claims['purposes'] === 'support', `it has ${claims['purposes']}`)
      const asking = (form: Readonly<Record<string, string>>) => () =>
        delegatedRequest(stage, { delegation: purposes, form })
      await trial.refused('no purpose is stated', asking({}), conditionUnmet)
      await trial.refused('another purpose is stated', asking({ purposes: 'billing' }), conditionUnmet)
      await trial.refused('a purpose beside it is stated', asking({ purposes: 'support billing' }), conditionUnmet)
    },
  },
  {
    id: 'DEL-17',
    words: 'one that comes twice, or any other form is `invalid_request`',
    group,
    needs,
    async run(trial, stage) {
      const response = await delegatedControl(trial, stage, { delegation: [], form: { purposes: 'support billing' } })
      const refreshed = { request_type: 'refresh', refresh_token: memberOf(response, 'refresh_token') }
      const later = await trial.accepted('it refreshes', () => asked(stage, refreshed, delegated(stage, [])))
      for (const answer of [response, later]) {
        const words = String(claimsOf(answer)['purposes']).split(' ').toSorted().join(' ')
        trial.holds('the token has both purposes', words === 'billing support', words)
      }
      for (const [fault, purposes] of [
        ['a purpose is unknown', 'support marketing'],
        ['a purpose stands twice', 'support support'],
        ['a tab stands between purposes', 'support\tbilling'],
        ['two spaces stand between purposes', 'support  billing'],
        ['a purpose is a member of every object', 'constructor'],
      ] as const)
        await trial.refused(
          fault,
          () => delegatedRequest(stage, { delegation: [], form: { purposes } }),
          refusals.request,
        )
    },
  },
  refusedDelegations({
    id: 'DEL-39',
    words: 'It must never stand in `delegation`',
    group,
    refusal: conditionUnread,
    right: () => [{ type: 'calls', max: 1, per: 'day' }],
    wrong: stage => [
      [
        'a delegation has calls of a grant',
        [
          { type: 'calls', max: 1, per: 'grant' },
          { type: 'until', time: stage.now() + 600 },
        ],
      ],
      ['calls are of a year', [{ type: 'calls', max: 1, per: 'year' }]],
    ],
  }),
  {
    id: 'policy.own-words',
    words: 'each has the member `resource`',
    group,
    needs,
    async run(trial, stage) {
      const data = (resource: string) => ({ type: 'data', resource, fields: ['/items/*/title'] })
      const [own, other] = [data(stage.resource.id), data('https://other.example')]
      const list = conditionsIn(claimsOf(await delegatedControl(trial, stage, { delegation: [own, other] })))
      for (const condition of [own, other])
        trial.holds(
          `the token has the condition of ${condition.resource}`,
          hasCondition(list, condition),
          JSON.stringify(list),
        )
      const { resource: _, ...without } = own
      await trial.refused(
        'a condition with words names no resource',
        () => delegatedRequest(stage, { delegation: [without] }),
        conditionUnread,
      )
    },
  },
]

const upper = (name: string): string => name.toUpperCase()
