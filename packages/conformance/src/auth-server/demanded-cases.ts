import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { isAccepted, type Trial, Undecided } from '../case/trial.js'
import type { Participant } from '../participants/participant.js'
import type { WireRequest } from '../wire/message.js'
import { actAt, allowedBy, askUser, type Granted, memberOf, type Question, redeemed } from './asked-user.js'
import { conditionUnmet } from './delegation.js'
import { asksAnew } from './page-cases.js'
import { conditionsIn } from './policy-cases.js'
import { type AuthServerStage, asked, type Delegate, delegateWith, resourceToken } from './stage.js'

const group = 'demanded conditions'
const needs = ['consent', 'user', 'conditions', 'loopback']

/** What a user allows a delegate of one case only. */
interface Demanded {
  readonly agent: Participant
  readonly one: Granted
  readonly list: readonly unknown[]
}

/** The delegate, with these conditions of its agent server. */
function delegateOf(stage: AuthServerStage, agent: Participant, delegation: readonly unknown[]): Delegate {
  return delegateWith(stage, { sub: 'delegate-1', agent, claims: { aud: [stage.id, agent.id], delegation } })
}

/** A user allows a delegate something at a resource at which the operator demands conditions. @throws Undecided where it does not */
async function demanded(
  trial: Trial,
  stage: AuthServerStage,
  o: { readonly scope?: string; readonly user?: '1' | '2' } = {},
): Promise<Demanded> {
  const agent = await stage.openAgent()
  const delegate = delegateOf(stage, agent, [])
  const question = { agent, delegate, resource: stage.otherResource, scope: o.scope }
  if (!(await mayAsk(trial, stage, question)))
    throw new Undecided('not applicable', 'users are not asked about this at otherResource')
  const waiting = await askUser(trial, stage, question)
  const one = await redeemed(trial, stage, await allowedBy(trial, stage, { ...waiting, user: o.user ?? '1' }))
  const list = conditionsIn(one.claims)
  if (list.length > 0) return { agent, one, list }
  throw new Undecided('not applicable', 'the operator demands no conditions at otherResource')
}

/** Whether the auth server asks users about this at all. */
async function mayAsk(
  trial: Trial,
  stage: AuthServerStage,
  {
    agent,
    delegate: signer,
    resource,
    scope = stage.configuration.consentScope,
  }: Question & { readonly delegate: Delegate },
): Promise<boolean> {
  const form = { request_type: 'auth', redirect_uri: `${agent.id}/callback` }
  const { response } = await trial.sent('a delegate asks for it', () =>
    asked(
      stage,
      { ...form, resource_token: resourceToken(stage, undefined, { agent, resource, scope, signer }) },
      signer,
    ),
  )
  return isAccepted(response)
}

/** Conditions of one type, none of which another one implies. */
function apart(stage: AuthServerStage, number: number): readonly unknown[] {
  const { consentScope } = stage.configuration
  return Array.from({ length: number }, (_, at) => ({ type: 'scopes', any: [consentScope, `x${at}`] }))
}

/** DEL: conditions that the operator of an auth server demands of what users allow. @see protocol §9.1 */
export const demandedCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'DEL-50',
    words: 'A list that is too long then must be refused',
    group,
    needs,
    clauses: ['policy.narrow'],
    async run(trial, stage) {
      const { agent, one, list } = await demanded(trial, stage)
      const refresh = (delegation: readonly unknown[]) => (): WireRequest => {
        const form = { request_type: 'refresh', refresh_token: one.refreshToken }
        return asked(stage, form, delegateOf(stage, agent, delegation))
      }
      const most = 32 - list.length
      await trial.accepted('it refreshes with as many conditions as there is room for', refresh(apart(stage, most)))
      const response = await trial.refused('there is one more', refresh(apart(stage, most + 1)), conditionUnmet)
      const reason = memberOf(response, 'reason')
      trial.holds('the reason says so', reason === 'conditions_too_long', reason)
      await trial.accepted('the grant is still there', refresh([]))
    },
  },
  {
    id: 'policy.calls.grant',
    words: 'and not from memory',
    group,
    needs,
    async run(trial, stage) {
      const { agent, list } = await demanded(trial, stage)
      const isCounted = list.some(one => Object(one).type === 'calls' && Object(one).per === 'grant')
      if (!isCounted) throw new Undecided('not applicable', 'the operator demands no calls of a grant at otherResource')
      const question = { agent, delegate: delegateOf(stage, agent, []), resource: stage.otherResource }
      await asksAnew(trial, stage, { title: 'the same is asked for again', question })
    },
  },
  {
    id: 'revocation.claim.one',
    words: 'where its calls are counted so, it must end instead',
    group,
    needs: [...needs, 'two-users', 'narrows'],
    clauses: ['policy.calls.grant'],
    async run(trial, stage) {
      const { consentScope, directScopes } = stage.configuration
      // The second user, who has allowed two scopes at once to nobody else.
      const scope = `${consentScope} ${directScopes[1]}`
      const { one, list } = await demanded(trial, stage, { scope, user: '2' })
      mustCount(list)
      const refresh = () => asked(stage, { request_type: 'refresh', refresh_token: one.refreshToken }, one.signer)
      await trial.accepted('the agent refreshes', refresh)
      const url = `${stage.id}${stage.user?.account}`
      const acted = await actAt(stage, { url, decision: 'refuse', user: '2', task: 'narrow' })
      if (!acted.succeeded) throw new Undecided('failed', `could not decide: no scope was taken back: ${acted.detail}`)
      const ended: Refusal = { status: 400, error: 'invalid_grant' }
      await trial.refused('it refreshes after the user has taken one of two scopes back', refresh, ended)
    },
  },
]

/** @throws Undecided where no calls are counted for the life of a grant */
function mustCount(list: readonly unknown[]): void {
  if (list.some(one => Object(one).type === 'calls' && Object(one).per === 'grant')) return
  throw new Undecided('not applicable', 'the operator demands no calls of a grant at otherResource')
}
