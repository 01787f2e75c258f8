import type { Case } from '../case/case.js'
import { claimsOf } from './asked-user.js'
import { conditionUnmet, conditionUnread } from './delegation.js'
import { exchanged, upstreamClaims } from './exchange.js'
import { conditionsIn, hasCondition } from './policy-cases.js'
import { refusedExchanges } from './refused-exchanges.js'
import type { AuthServerStage } from './stage.js'

const group = 'exchange'
const needs = ['exchange']

/** DEL: conditions and purposes that come with an upstream token. */
export const exchangeConditionCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'DEL-75',
    words: 'in an exchange, `constraints` of the upstream token',
    group,
    needs: [...needs, 'conditions'],
    clauses: ['policy.narrow'],
    async run(trial, stage) {
      const conditions = [
        { type: 'calls', max: 3, per: 'day' },
        { type: 'chain', max: 1, through: [stage.middle.id] },
        { type: 'until', time: stage.now() + 60 },
      ]
      const claims = claimsOf(await exchanged(trial, stage, upstreamClaims({ constraints: conditions })))
      const list = conditionsIn(claims)
      for (const condition of conditions)
        trial.holds(
          `${condition.type} of the upstream token is kept`,
          hasCondition(list, condition),
          JSON.stringify(list),
        )
      const until = Number(conditions[2]?.['time'])
      trial.holds('the issued token does not outlive it', Number(claims['exp']) <= until, `exp is ${claims['exp']}`)
    },
  },
  {
    id: 'DEL-44',
    words: 'must leave out those whose `resource` is the middle',
    group,
    needs: [...needs, 'conditions'],
    clauses: ['policy.own-words'],
    async run(trial, stage) {
      const data = (resource: string) => ({ type: 'data', resource, fields: ['/items'] })
      const [own, other] = [data(stage.middle.id), data(stage.resource.id)]
      const response = await exchanged(trial, stage, upstreamClaims({ constraints: [own, other] }))
      const list = conditionsIn(claimsOf(response))
      trial.holds('the condition of the middle is left out', !hasCondition(list, own), JSON.stringify(list))
      trial.holds('the condition of another resource is kept', hasCondition(list, other), JSON.stringify(list))
    },
  },
  refusedExchanges({
    id: 'DEL-43',
    clauses: ['policy.chain', 'policy.answer'],
    needs: ['conditions'],
    refusal: conditionUnmet,
    right: ({ middle }) => upstreamClaims({ constraints: [{ type: 'chain', max: 1, through: [middle.id] }] }),
    wrong: ({ resource }) => [
      ['the token may come through no service', upstreamClaims({ constraints: [{ type: 'chain', max: 0 }] })],
      [
        'the token may come through another service only',
        upstreamClaims({ constraints: [{ type: 'chain', max: 1, through: [resource.id] }] }),
      ],
    ],
  }),
  refusedExchanges({
    id: 'policy.unknown',
    words: ['for `constraints` of an `upstream_token`', 'A list with it must have an `until`'],
    clauses: ['DEL-03', 'token.policy', 'error.policy-denied', 'policy.calls.grant'],
    needs: ['conditions'],
    refusal: conditionUnread,
    right: () => upstreamClaims({ constraints: [] }),
    wrong: () => [
      ['a condition is of an unknown type', upstreamClaims({ constraints: [{ type: 'moon' }] })],
      ['constraints is null', upstreamClaims({ constraints: null })],
      ['delegation stands in an auth token', upstreamClaims({ delegation: [] })],
      ['calls of a grant have no end', upstreamClaims({ constraints: [{ type: 'calls', max: 1, per: 'grant' }] })],
    ],
  }),
  refusedExchanges({
    id: 'DEL-20',
    words: 'In an exchange no purpose may be asked for',
    clauses: ['policy.purposes'],
    needs: ['conditions'],
    refusal: conditionUnmet,
    right: () => ({ ...upstreamClaims({ purposes: 'support' }), form: { purposes: 'support' } }),
    wrong: () => [
      [
        'a purpose is asked for that the upstream token lacks',
        { ...upstreamClaims({ purposes: 'support' }), form: { purposes: 'billing' } },
      ],
      ['the upstream token has no purpose', { form: { purposes: 'support' } }],
    ],
  }),
]
