import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { isAccepted, Undecided } from '../case/trial.js'
import type { WireRequest } from '../wire/message.js'
import { headerValue } from '../wire/message.js'
import { constrained, denied, freshUser } from './constrained.js'
import { type ResourceStage, routeOf } from './stage.js'

const group = 'calls'
const needs = ['authorized', 'condition-calls']
const usedUp: Refusal = { status: 429, error: 'rate_limited', challenge: 'none' }
const perDay = (max: number) => [{ type: 'calls', max, per: 'day' }]

type Claims = Readonly<Record<string, unknown>>

function callsOf(stage: ResourceStage, claims: Claims, constraints: unknown): () => WireRequest {
  return () => constrained(stage, routeOf(stage, 'authorized'), { constraints, claims })
}

/** Conditions that count. Each case has users of its own. */
export const callCountCases: readonly Case<ResourceStage>[] = [
  {
    id: 'DEL-32',
    words: 'answer to a request beyond `max` is 429',
    group,
    needs,
    clauses: ['policy.calls'],
    async run(trial, stage) {
      const user = freshUser()
      await trial.control('the first of three calls a day', callsOf(stage, user, perDay(3)))
      await trial.accepted('the second call', callsOf(stage, user, perDay(3)))
      await trial.accepted('the third call', callsOf(stage, user, perDay(3)))
      const response = await trial.refused('the fourth call', callsOf(stage, user, perDay(3)), usedUp)
      const pause = Number(response === undefined ? undefined : headerValue(response, 'retry-after'))
      const left = 86_400 - (stage.now() % 86_400)
      trial.holds('Retry-After is the seconds to the end of the day', Math.abs(pause - left) <= 5, String(pause))
    },
  },
  {
    id: 'DEL-33',
    words: 'A new token, key or grant must not begin a new count',
    group,
    needs,
    async run(trial, stage) {
      const user = freshUser()
      await trial.control('the only call of a day', callsOf(stage, user, perDay(1)))
      await trial.refused('a new token of the user', callsOf(stage, user, perDay(1)), usedUp)
      await trial.refused(
        'a new grant of the user',
        callsOf(stage, { ...freshUser(), sub: user['sub'] }, perDay(1)),
        usedUp,
      )
      const reordered = [{ per: 'day', max: 1, type: 'calls' }]
      await trial.refused('the condition in another order', callsOf(stage, user, reordered), usedUp)
    },
  },
  {
    id: 'DEL-37',
    words: 'Requests are counted for',
    group,
    needs,
    async run(trial, stage) {
      const [one, other] = [freshUser(), freshUser()]
      await trial.control('the only call of a day', callsOf(stage, one, perDay(1)))
      await trial.refused('another call of the user', callsOf(stage, one, perDay(1)), usedUp)
      await trial.accepted('a call of another user', callsOf(stage, other, perDay(1)))
    },
  },
  {
    id: 'DEL-40',
    group,
    needs,
    async run(trial, stage) {
      const user = freshUser()
      const two = [...perDay(2), { type: 'calls', max: 50, per: 'hour' }]
      await trial.control('the first call, of two a day and fifty an hour', callsOf(stage, user, two))
      await trial.accepted('the second call', callsOf(stage, user, two))
      await trial.refused('the third call', callsOf(stage, user, two), usedUp)
      await trial.refused('no call at all', callsOf(stage, freshUser(), perDay(0)), usedUp)
    },
  },
  {
    id: 'DEL-39',
    words: 'A list with it must have an `until`',
    group,
    needs: [...needs, 'condition-until'],
    async run(trial, stage) {
      const user = freshUser()
      const once = { type: 'calls', max: 1, per: 'grant' }
      const list = [once, { type: 'until', time: stage.now() + 600 }]
      await trial.control('the only call of a day, of another user', callsOf(stage, freshUser(), perDay(1)))
      await trial.refused('a grant whose calls have no end', callsOf(stage, freshUser(), [once]), denied)
      const { response } = await trial.sent('the only call of a grant', callsOf(stage, user, list))
      // A count that a restart would begin anew must let no such call pass.
      if (response?.status === 403)
        throw new Undecided('not applicable', 'the resource lets no calls of a grant pass: its counts may not last')
      trial.holds('it passes', isAccepted(response), `the answer: ${response?.status}`)
      await trial.refused('another call of the grant', callsOf(stage, user, list), denied)
    },
  },
  {
    id: 'policy.calls.grant',
    words: 'The count ends with the last `until` of the list',
    group,
    needs: [...needs, 'condition-until'],
    async run(trial, stage) {
      const user = freshUser()
      const once = { type: 'calls', max: 1, per: 'grant' }
      const [last, earlier] = [600, 4].map(seconds => ({ type: 'until', time: stage.now() + seconds }))
      await trial.control('the only call of a day, of another user', callsOf(stage, freshUser(), perDay(1)))
      const { response } = await trial.sent('the only call of a grant', callsOf(stage, user, [once, last, earlier]))
      if (response?.status === 403)
        throw new Undecided('not applicable', 'the resource lets no calls of a grant pass: its counts may not last')
      trial.holds('it passes', isAccepted(response), `the answer: ${response?.status}`)
      await new Promise(resolve => setTimeout(resolve, 5000))
      await trial.refused(
        'another call of the grant, after the earlier `until`',
        callsOf(stage, user, [once, last]),
        denied,
      )
    },
  },
  {
    id: 'policy.calls.answer',
    words: 'Compare and count must be one step',
    group,
    needs,
    async run(trial, stage) {
      const user = freshUser()
      await trial.control('a call of another user', callsOf(stage, freshUser(), perDay(1)))
      const call = callsOf(stage, user, perDay(3))
      const all = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(one => trial.sent(`call ${one} of 8 at once`, call)))
      const passed = all.filter(({ response }) => isAccepted(response)).length
      trial.holds('three pass, and no more', passed === 3, `${passed} passed`)
      trial.holds(
        'the others get 429',
        all.every(({ response }) => isAccepted(response) || response?.status === 429),
      )
    },
  },
  {
    id: 'DEL-35',
    words: 'The first check that fails answers',
    group,
    needs: [...needs, 'condition-scopes'],
    clauses: ['policy.order'],
    async run(trial, stage) {
      const user = freshUser()
      await trial.control('the first of two calls a day', callsOf(stage, user, perDay(2)))
      const refused = [...perDay(2), { type: 'scopes', any: ['other'] }]
      await trial.refused('a call that another condition refuses', callsOf(stage, user, refused), denied)
      await trial.refused(
        'a call without the scope',
        callsOf(stage, { ...user, scope: 'other' }, perDay(2)),
        refusals.scope,
      )
      await trial.accepted('the second call', callsOf(stage, user, perDay(2)))
      await trial.refused('the third call', callsOf(stage, user, perDay(2)), usedUp)
    },
  },
  {
    id: 'DEL-36',
    words: 'must judge a request in this order',
    group,
    needs,
    clauses: ['sig.replay.safe'],
    async run(trial, stage) {
      const user = freshUser()
      const call = callsOf(stage, user, perDay(2))
      let first = call()
      await trial.control('the first of two calls a day', () => {
        first = call()
        return first
      })
      for (const copy of [1, 2, 3])
        await trial.refused(`the same bytes come again, copy ${copy}`, first, refusals.replay)
      await trial.accepted('the second call', call)
    },
  },
]
