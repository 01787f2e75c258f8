import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import type { Participant } from '../participants/participant.js'
import { byPublishedKey } from '../resource/stage.js'
import { jsonBody } from '../wire/message.js'
import {
  allowedBy,
  claimsOf,
  codeForm,
  type Granted,
  givenBack,
  granted,
  letDecide,
  memberOf,
  redeemed,
  type Waiting,
} from './asked-user.js'
import { exchangeForm } from './exchange.js'
import { liveMarkup, markup } from './live-markup.js'
import { type AuthServerStage, asked, makeDelegate } from './stage.js'

const group = 'mandate'
const needs = ['exchange', 'consent', 'user']

/**
 * A user lets an agent call the middle: the token that the middle is called with. It is for a delegate of one run: a consent to an exchange is
 * remembered for its chain.
 */
export function mandate(trial: Trial, stage: AuthServerStage, agent: Participant = stage.agent): Promise<Granted> {
  const { middle, configuration } = stage
  const delegate = makeDelegate(stage, `${randomUUID()} ${markup('first delegate')}`, agent)
  return granted(trial, stage, { agent, delegate, resource: middle, scope: configuration.exchangeScope })
}

/** What the middle asks for with that token. */
function exchangeOf(stage: AuthServerStage, { token }: Granted, scope?: string): Readonly<Record<string, string>> {
  const form = exchangeForm(stage, { scope })
  return { ...form, upstream_token: token, redirect_uri: `${stage.middle.id}/callback`, state: 'state-2' }
}

/** The exchange waits for the user. @throws Undecided */
async function waitingExchange(trial: Trial, stage: AuthServerStage, one: Granted): Promise<Waiting> {
  const signer = byPublishedKey(stage.middle)
  const response = await trial.control('the middle asks for what its user must allow', () =>
    asked(stage, exchangeOf(stage, one, stage.configuration.consentScope), signer),
  )
  const requestToken = memberOf(response, 'request_token')
  return { agent: stage.middle, signer, requestToken, redirectUri: `${stage.middle.id}/callback`, state: 'state-2' }
}

/** EXC: tokens that this auth server has issued for a user, and that a middle exchanges here. */
export const mandateCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'EXC-28',
    words: 'never `sub` alone',
    group,
    needs,
    clauses: ['exchange.sub'],
    async run(trial, stage) {
      const one = await mandate(trial, stage)
      const signer = byPublishedKey(stage.middle)
      const response = await trial.accepted('the middle exchanges the token of a user of this auth server', () =>
        asked(stage, exchangeOf(stage, one), signer),
      )
      const claims = claimsOf(response)
      trial.holds('the user stays the same', typeof claims['sub'] === 'string' && claims['sub'] === one.claims['sub'])
      // The same sub, as another issuer may write it.
      const forged = exchangeForm(stage, {
        upstream: draft => ({ ...draft, claims: { ...draft.claims, sub: one.claims['sub'] } }),
      })
      const other = await trial.accepted('another issuer has a user with that sub', () => asked(stage, forged, signer))
      trial.holds('that user is not the one here', claimsOf(other)['sub'] !== one.claims['sub'])
    },
  },
  {
    id: 'consent.code',
    words: 'It is bound to agent, delegate',
    group,
    needs,
    clauses: ['exchange.no-refresh', 'exchange.act', 'EXC-09', 'consent.page', 'consent.browser'],
    async run(trial, stage) {
      const one = await mandate(trial, stage)
      const allowed = await allowedBy(trial, stage, await waitingExchange(trial, stage, one))
      const invalidGrant: Refusal = { status: 400, error: 'invalid_grant' }
      await trial.refused(
        'the agent of the upstream token redeems the code of the middle',
        () => asked(stage, codeForm(allowed), byPublishedKey(stage.agent)),
        invalidGrant,
      )
      const { claims, answer } = await redeemed(trial, stage, allowed)
      trial.holds('there is no refresh token', jsonBody(answer)?.['refresh_token'] === undefined)
      trial.holds('scope is what the user allowed', claims['scope'] === stage.configuration.consentScope)
      trial.holds('agent is the middle', claims['agent'] === stage.middle.id)
      trial.holds('the user is that of the upstream token', claims['sub'] === one.claims['sub'])
      const act = { iss: stage.id, agent: stage.agent.id, agent_delegate: one.claims['agent_delegate'] }
      trial.holds('act names who acted before', isDeepStrictEqual(claims['act'], act), JSON.stringify(claims['act']))
      const { page } = allowed.decided.acted
      if (page === undefined) return
      trial.holds('the page shows for whom the middle acts', page.includes(new URL(stage.agent.id).host))
      trial.holds('markup in any text is inert', liveMarkup(page).length === 0, liveMarkup(page).join(', '))
    },
  },
  {
    id: 'TOK-29',
    group,
    needs,
    clauses: ['revoke.ends', 'refresh.re-evaluates'],
    async run(trial, stage) {
      const one = await mandate(trial, stage)
      const signer = byPublishedKey(stage.middle)
      const exchange = () => asked(stage, exchangeOf(stage, one), signer)
      await trial.accepted('the middle exchanges', exchange)
      const refresh = () => asked(stage, { request_type: 'refresh', refresh_token: one.refreshToken }, one.signer)
      await trial.accepted('the agent refreshes', refresh)
      await trial.accepted('the agent gives its grant back', () => givenBack(stage, one))
      const invalidGrant: Refusal = { status: 400, error: 'invalid_grant' }
      await trial.refused('the agent refreshes after that', refresh, invalidGrant)
      await trial.refused('the agent repeats its code', () => asked(stage, codeForm(one), one.signer), invalidGrant)
      await trial.refused('the middle exchanges a token of that grant', exchange, {
        status: [400, 403],
        error: ['invalid_auth_token', 'access_denied', 'invalid_grant'],
      })
    },
  },
  {
    id: 'UIX-35',
    words: 'the whole `act` chain',
    group,
    needs,
    clauses: ['consent.remembered'],
    async run(trial, stage) {
      const one = await mandate(trial, stage)
      await redeemed(trial, stage, await allowedBy(trial, stage, await waitingExchange(trial, stage, one)))
      const { otherAgent, middle, configuration } = stage
      const other = await mandate(trial, stage, otherAgent)
      const signer = byPublishedKey(middle)
      const response = await trial.control('the middle asks for the user of another agent', () =>
        asked(stage, exchangeOf(stage, other, configuration.consentScope), signer),
      )
      trial.holds('the yes to one chain gives no token to another', claimsOf(response)['iss'] === undefined)
      const requestToken = memberOf(response, 'request_token')
      const redirectUri = `${middle.id}/callback`
      const waiting = { agent: middle, signer, requestToken, redirectUri, state: 'state-2' }
      const decided = await letDecide(trial, stage, { waiting, title: 'the user refuses', decision: 'refuse' })
      const errors = decided.answers.map(answer => answer.get('error'))
      trial.holds('the user is asked, and can refuse', isDeepStrictEqual(errors, ['access_denied']), String(errors))
    },
  },
]
