import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import type { Route } from '../config/route.js'
import { signDraft } from '../signing/draft.js'
import { headerValue, type WireRequest } from '../wire/message.js'
import { type Condition, denied } from './constrained.js'
import { ask, scopeOf } from './endpoint-cases.js'
import { delegate, draftFor, type ResourceStage, routeOf, type Signer } from './stage.js'
import { holding, hours } from './tried-condition.js'

const group = 'delegation'
type Claims = Readonly<Record<string, unknown>>

const challenged: Refusal = { ...refusals.level, challenge: ['auth-token', 'resource_token'] }

/** A delegate whose agent token has more claims. */
function delegateWith(stage: ResourceStage, claims: Claims): Signer {
  return delegate(stage, draft => ({ ...draft, claims: { ...draft.claims, sub: 'delegate-2', ...claims } }))
}

function callOf(stage: ResourceStage, route: Route, claims: Claims): WireRequest {
  return signDraft(draftFor(stage, route, delegateWith(stage, claims)))
}

/** Agent tokens with conditions. A listed type is one that the resource enforces. */
function delegations(stage: ResourceStage) {
  const listed = stage.metadata?.['constraints_supported']
  return (...conditions: readonly Condition[]) => {
    const isListed = conditions.every(({ type }) => Array.isArray(listed) && listed.includes(type))
    return isListed ? [{ aud: [stage.id], delegation: conditions }] : []
  }
}

const elsewhere = 'https://other.example'

/** Conditions that hold for a delegate who calls a resource itself. */
const held = (stage: ResourceStage): ReadonlyArray<readonly [title: string, ...conditions: readonly Condition[]]> => [
  ['all hours', hours({})],
  ['this resource', { type: 'resources', any: [stage.id] }],
  ['other scopes, and the route needs none', { type: 'scopes', any: ['other'] }],
  ['no services', { type: 'chain', max: 0 }],
  ['services that it does not need', { type: 'chain', max: 5, through: [elsewhere] }],
  ['many calls', { type: 'calls', max: 100_000, per: 'day' }],
  ['fields of another resource', { type: 'data', resource: elsewhere, fields: ['/x'] }],
  ['approval at another resource', { type: 'approval', resource: elsewhere, of: '*' }],
  ['two conditions of one type', holding, holding],
]

/** Conditions that do not hold, and that are judged before a resource token is issued. */
const unmet = (stage: ResourceStage): ReadonlyArray<readonly [title: string, condition: Condition]> => [
  ['it has ended', { type: 'until', time: stage.now() - 60 }],
  ['another day', hours({ days: [((new Date(stage.now() * 1000).getUTCDay() + 2) % 7) + 1] })],
  ['another resource', { type: 'resources', any: [elsewhere] }],
  ['other scopes', { type: 'scopes', any: ['other'] }],
]

/** Conditions that only the request with an auth token shows to hold or not. */
const judgedLater = (stage: ResourceStage): ReadonlyArray<readonly [title: string, condition: Condition]> => [
  ['purposes', { type: 'purposes', any: ['other'] }],
  ['services', { type: 'chain', max: 0, through: [elsewhere] }],
  ['fields', { type: 'data', resource: stage.id, fields: ['/nothing-of-this'] }],
  ['approval', { type: 'approval', resource: stage.id, of: '*' }],
]

/** What a delegate may be used for, by its agent token. @see protocol §9.1 */
export const delegationCases: readonly Case<ResourceStage>[] = [
  {
    id: 'DEL-51',
    words: 'must set `aud` on a token with `delegation`',
    group,
    needs: ['identified', 'conditions'],
    clauses: ['policy.delegates'],
    async run(trial, stage) {
      const route = routeOf(stage, 'identified')
      const delegate = (claims: Claims) => () => callOf(stage, route, claims)
      const aud = [stage.id]
      await trial.control('a delegate without a delegation', delegate({}))
      await trial.accepted('an empty delegation', delegate({ aud, delegation: [] }))
      await trial.accepted('a delegation that holds', delegate({ aud, delegation: [holding] }))
      const ended = { type: 'until', time: stage.now() - 60 }
      await trial.refused('a delegation that has ended', delegate({ aud, delegation: [ended] }), denied)
      await trial.refused('a delegation that nobody knows', delegate({ aud, delegation: [{ type: 'moon' }] }), denied)
      await trial.refused(
        'calls of a grant',
        delegate({ aud, delegation: [{ type: 'calls', max: 5, per: 'grant' }] }),
        denied,
      )
      await trial.refused(
        'its aud is another',
        delegate({ aud: ['https://other.example'], delegation: [holding] }),
        refusals.agentToken,
      )
    },
  },
  {
    id: 'DEL-78',
    words: 'At level *identified* a resource must judge `delegation` itself, in full',
    group,
    needs: ['identified', 'conditions'],
    clauses: ['policy.delegates', 'policy.chain', 'policy.scopes'],
    async run(trial, stage) {
      const route = routeOf(stage, 'identified')
      const made = delegations(stage)
      await trial.control('a delegate without a delegation', () => callOf(stage, route, {}))
      for (const [title, ...conditions] of held(stage))
        for (const claims of made(...conditions))
          await trial.accepted(`its delegation is for ${title}`, () => callOf(stage, route, claims))
      // Without purposes there is nothing that could be among them.
      for (const claims of made({ type: 'purposes', any: ['other'] }))
        await trial.refused('its delegation is for purposes', () => callOf(stage, route, claims), denied)
      for (const claims of made({ type: 'resources', any: [elsewhere] }))
        await trial.refused('its delegation is for another resource', () => callOf(stage, route, claims), denied)
      for (const claims of made({ type: 'calls', max: 1, per: 'day' })) {
        const counted = { ...claims, sub: `delegate-${randomUUID()}` }
        await trial.accepted('the only call of a day', () => callOf(stage, route, counted))
        await trial.refused('another call of this delegate', () => callOf(stage, route, counted), usedUp)
      }
    },
  },
  {
    id: 'policy.delegates',
    words: 'Before it issues a resource token, it must judge',
    group,
    needs: ['authorized', 'conditions'],
    clauses: ['level.authorized', 'challenge.verified-only'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      const made = delegations(stage)
      await trial.control('a request with an auth token', () => signDraft(draftFor(stage, route)))
      await trial.refused('a delegate without a delegation', () => callOf(stage, route, {}), challenged)
      for (const [title, condition] of judgedLater(stage))
        for (const claims of made(condition))
          await trial.refused(`a delegation for ${title}`, () => callOf(stage, route, claims), challenged)
      for (const claims of made({ type: 'scopes', any: route.scope.split(' ') }))
        await trial.refused('a delegation for the scope of the route', () => callOf(stage, route, claims), challenged)
      for (const [title, condition] of unmet(stage))
        for (const claims of made(condition)) {
          const response = await trial.refused(`its delegation: ${title}`, () => callOf(stage, route, claims), denied)
          const header = response === undefined ? undefined : headerValue(response, 'agent-auth')
          trial.holds(`its delegation: ${title}: there is no resource token`, header === undefined, header)
        }
      if (typeof stage.metadata?.['resource_token_endpoint'] !== 'string') return
      const asking = (claims: Claims) => () => ask(stage, { signer: delegateWith(stage, claims) })
      await trial.accepted('it asks for a resource token, without a delegation', asking({}))
      for (const claims of made({ type: 'scopes', any: scopeOf(stage).split(' ') }))
        await trial.accepted('it asks for a resource token of its scopes', asking(claims))
      for (const [title, condition] of unmet(stage))
        for (const claims of made(condition))
          await trial.refused(`it asks for a resource token: ${title}`, asking(claims), denied)
    },
  },
]

const usedUp: Refusal = { status: 429, error: 'rate_limited', challenge: 'none' }
