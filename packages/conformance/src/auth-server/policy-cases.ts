import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { describes } from '../resource/variations.js'
import { claimsOf, memberOf } from './asked-user.js'
import {
  conditionUnmet,
  conditionUnread,
  delegated,
  delegatedControl,
  delegatedRequest,
  refusedDelegations,
} from './delegation.js'
import { type AuthServerStage, asked, delegateForm } from './stage.js'

const group = 'policy'
const needs = ['conditions']

const scopes = (stage: AuthServerStage) => ({ type: 'scopes', any: [...stage.configuration.directScopes] })

/** The list of a token that was issued. */
export function conditionsIn(claims: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(claims['constraints']) ? (claims['constraints'] as unknown[]) : []
}

/** Whether a list has a condition, whatever the order of its members. */
export function hasCondition(list: readonly unknown[], condition: object): boolean {
  const sorted = (value: unknown): string =>
    JSON.stringify(Object.entries(Object(value)).toSorted(([one], [other]) => (one < other ? -1 : 1)))
  return list.some(one => sorted(one) === sorted(condition))
}

/** DEL: how an auth server reads lists of conditions, and what it writes. */
export const policyCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'DEL-01',
    words: 'An absent list and `[]` hold',
    group,
    needs,
    async run(trial, stage) {
      const response = await delegatedControl(trial, stage, { delegation: [] })
      trial.holds('an empty list adds nothing', conditionsIn(claimsOf(response)).length === 0)
    },
  },
  refusedDelegations({
    id: 'DEL-02',
    words: ['must be an object with a known `type`', '`null` is no list and no value'],
    group,
    refusal: conditionUnread,
    right: () => [],
    wrong: () =>
      [null, {}, 'x', 1, [null], [[]], [{}], [{ type: null }], [{ type: 'until' }]].map(
        list => [`delegation is ${JSON.stringify(list)}`, list] as const,
      ),
  }),
  refusedDelegations({
    id: 'DEL-03',
    words: 'That holds at an auth server, too',
    group,
    refusal: conditionUnread,
    right: stage => [scopes(stage)],
    wrong: stage => [
      ['a condition is of an unknown type', [scopes(stage), { type: 'moon' }]],
      ['a type is written otherwise', [{ ...scopes(stage), type: 'Scopes' }]],
      ['a type is a member of every object', [{ type: 'constructor', any: ['x'] }]],
    ],
  }),
  refusedDelegations({
    id: 'DEL-04',
    words: 'and with no other member',
    group,
    refusal: conditionUnread,
    right: stage => [scopes(stage)],
    wrong: stage => [
      ['a condition has a foreign member', [{ ...scopes(stage), time: 1 }]],
      ['a member is misspelt', [{ type: 'scopes', Any: [...stage.configuration.directScopes] }]],
    ],
  }),
  refusedDelegations({
    id: 'DEL-08',
    words: 'No array within a condition may be empty',
    group,
    refusal: conditionUnread,
    right: stage => [scopes(stage)],
    wrong: () => [
      ['an array in a condition is empty', [{ type: 'scopes', any: [] }]],
      ['no resource is listed', [{ type: 'resources', any: [] }]],
    ],
  }),
  refusedDelegations({
    id: 'DEL-09',
    words: ['with all members of §9.2 that its type needs', 'at most 32 conditions'],
    group,
    refusal: conditionUnread,
    right: stage => [{ type: 'until', time: stage.now() + 600 }],
    wrong: stage => [
      ['time is text', [{ type: 'until', time: `${stage.now() + 600}` }]],
      ['time is no whole number', [{ type: 'until', time: stage.now() + 600.5 }]],
      ['time is over 2^53', [{ type: 'until', time: 2 ** 54 }]],
      ['max is below 0', [{ type: 'chain', max: -1 }]],
      ['max is over 5', [{ type: 'chain', max: 6 }]],
      ['there are 33 conditions', Array.from({ length: 33 }, () => ({ type: 'chain', max: 1 }))],
      [
        'the list has over 2 KiB',
        [{ type: 'scopes', any: Array.from({ length: 40 }, (_, at) => 'x'.repeat(60) + at) }],
      ],
    ],
  }),
  refusedDelegations({
    id: 'DEL-15',
    words: 'of two conditions of one type both must hold',
    group,
    refusal: conditionUnmet,
    right: stage => [scopes(stage), scopes(stage)],
    wrong: stage => {
      const [first, second] = stage.configuration.directScopes
      return [
        [
          'each of two conditions has another of the scopes',
          [
            { type: 'scopes', any: [first] },
            { type: 'scopes', any: [second] },
          ],
        ],
      ]
    },
  }),
  {
    id: 'policy.narrow',
    words: 'must set `constraints` to the concatenation',
    group,
    needs,
    clauses: ['DEL-50'],
    async run(trial, stage) {
      const [first] = stage.configuration.directScopes
      const until = { type: 'until', time: stage.now() + 3000 }
      const calls = { type: 'calls', max: 5, per: 'day' }
      const signer = delegated(stage, [until, calls])
      const response = await trial.control('a delegate with until and calls', () =>
        asked(stage, delegateForm(stage, signer), signer),
      )
      const list = conditionsIn(claimsOf(response))
      for (const condition of [until, calls])
        trial.holds(`the token has ${condition.type}`, hasCondition(list, condition), JSON.stringify(list))
      const today = delegated(stage, [{ type: 'scopes', any: [first] }])
      const form = { request_type: 'refresh', refresh_token: memberOf(response, 'refresh_token'), scope: first }
      const later = await trial.accepted('it refreshes with a delegation of today', () => asked(stage, form, today))
      const now = conditionsIn(claimsOf(later))
      trial.holds('the new token has it', hasCondition(now, { type: 'scopes', any: [first] }), JSON.stringify(now))
    },
  },
  {
    id: 'refresh.denied-keeps',
    words: 'A policy that says no is `access_denied`',
    group,
    needs,
    clauses: ['refresh.re-evaluates', 'policy.answer'],
    async run(trial, stage) {
      const signer = delegated(stage, [scopes(stage)])
      const response = await trial.control('a delegate gets a grant', () =>
        asked(stage, delegateForm(stage, signer), signer),
      )
      const form = { request_type: 'refresh', refresh_token: memberOf(response, 'refresh_token') }
      const ended = delegated(stage, [{ type: 'until', time: stage.now() - 60 }])
      await trial.refused('it refreshes when its delegation has ended', () => asked(stage, form, ended), conditionUnmet)
      const anew = delegated(stage, [scopes(stage)])
      await trial.accepted('it refreshes when its delegation holds again', () => asked(stage, form, anew))
    },
  },
  {
    id: 'policy.supported',
    words: [
      'must issue a list only to a resource that lists all its types',
      'the description must name what is missing',
    ],
    group,
    needs,
    clauses: ['policy.answer'],
    async run(trial, stage) {
      await delegatedControl(trial, stage, { delegation: [{ type: 'calls', max: 5, per: 'day' }] })
      const rules = { type: 'arguments', resource: stage.resource.id, of: 'pay', where: [{ at: '/sum' }] }
      const fault = 'a condition is of a type that the resource does not enforce'
      const request = () => delegatedRequest(stage, { delegation: [rules] })
      describes(trial, { fault, described: 'arguments' }, await trial.refused(fault, request, conditionUnmet))
    },
  },
  {
    id: 'DEL-51',
    words: 'must set `aud` on a token with `delegation`',
    group,
    needs,
    clauses: ['policy.delegates'],
    async run(trial, stage) {
      await delegatedControl(trial, stage, { delegation: [scopes(stage)] })
      for (const [fault, aud] of [
        ['aud of the agent token is another auth server', ['https://other.example']],
        ['aud has a slash at its end', [`${stage.id}/`]],
        ['aud is the resource alone', stage.resource.id],
      ] as const) {
        const request = () => {
          const signer = delegated(stage, [scopes(stage)], { aud })
          return asked(stage, delegateForm(stage, signer), signer)
        }
        await trial.refused(fault, request, refusals.agentToken)
      }
    },
  },
  {
    id: 'DEL-53',
    words: 'must write the audience of the token alone',
    group,
    needs,
    async run(trial, stage) {
      const resources = { type: 'resources', any: ['https://one.example', stage.resource.id, 'https://two.example'] }
      const response = await delegatedControl(trial, stage, { delegation: [resources, { type: 'chain', max: 0 }] })
      const list = conditionsIn(claimsOf(response))
      const kept = { type: 'resources', any: [stage.resource.id] }
      trial.holds('the token names its own resource alone', hasCondition(list, kept), JSON.stringify(list))
    },
  },
]
