import type { Case } from '../case/case.js'
import { type Refusal, refusalProblem, refusals } from '../case/refusal.js'
import { isAccepted, isPause, type Trial } from '../case/trial.js'
import { byPublishedKey, type Signer } from '../resource/stage.js'
import { headerValue, jsonBody } from '../wire/message.js'
import { approvalForm, operation, waitingCall } from './approval-question.js'
import { allowedBy, codeForm, codesOf, givenBack, granted, letDecide, memberOf, redeemed } from './asked-user.js'
import { liveMarkup, markup } from './live-markup.js'
import { noticesOf } from './notices.js'
import { pageOf } from './page-cases.js'
import { type AuthServerStage, asked, makeDelegate, resourceToken } from './stage.js'

const group = 'approval'
const needs = ['approval', 'consent', 'user']
/** Whether a page has a box that says it would remember what is answered. */
function hasMemoryBox(page: string): boolean {
  const boxes = page.match(/<input[^>]*type=["']?checkbox[^>]*>[^<]{0,100}/gi) ?? []
  return boxes.some(box => /remember|always|again/i.test(box))
}

const wrongOperation: Refusal = { status: 400, error: 'invalid_resource_token' }

/** APR: approvals of single calls, as an auth server asks for them. */
export const approvalCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'approval.token',
    words: 'It has `operation_digest`',
    group,
    needs,
    clauses: ['APR-01'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const about = operation()
      const allowed = await allowedBy(trial, stage, await waitingCall(trial, stage, { one: one, about: about }))
      const { claims, answer } = await redeemed(trial, stage, allowed)
      trial.holds('operation_digest is that of the request', claims['operation_digest'] === about['digest'])
      const life = Number(claims['exp']) - Number(claims['iat'])
      trial.holds('it lives 5 minutes at most', life > 0 && life <= 300, `it lives ${life} s`)
      trial.holds('there is no refresh token', jsonBody(answer)?.['refresh_token'] === undefined)
      trial.holds('scope is that of the resource token', claims['scope'] === stage.configuration.consentScope)
      trial.holds('sub is the user of the grant', claims['sub'] === one.claims['sub'])
      const { grant } = claims
      trial.holds('it has a grant of its own', grant === undefined || grant !== one.claims['grant'])
      if (grant === undefined) return
      await trial.accepted('the agent gives back what the user has granted', () => givenBack(stage, one))
      const notices = await noticesOf(stage, grant, 1)
      trial.holds('the resource is told of its end by a notice of its own', notices.length === 1)
    },
  },
  {
    id: 'APR-15',
    words: ['must show the description of the operation', 'Nothing of it may be a link', 'There must be no box'],
    group,
    needs,
    clauses: ['approval.display', 'consent.browser'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const shown = [
        'Pay ',
        'https://evil.example/x',
        ` ${markup('words')} `,
        `bob-of-the-suite ${markup('value')}`,
        '',
      ]
      const about = operation({ display: shown })
      const purpose = `To please Bob ${markup('purpose')}`
      const waiting = await waitingCall(trial, stage, { one, about, form: { purpose } })
      const decided = await letDecide(trial, stage, { waiting, title: 'the user refuses', decision: 'refuse' })
      const page = pageOf(decided.acted)
      trial.holds('the page has the description of the operation', page.includes('Pay a bill'))
      trial.holds('the page has the values', page.includes('bob-of-the-suite') && page.includes('evil.example'))
      trial.holds('the page has the purpose', page.includes('To please Bob'))
      trial.holds('no box offers to remember the answer', !hasMemoryBox(page))
      trial.holds('no value is a link', !/href=["']?https:\/\/evil\.example/i.test(page))
      trial.holds('markup in any text is inert', liveMarkup(page).length === 0, liveMarkup(page).join(', '))
      trial.holds('no code comes', codesOf(decided).length === 0)
    },
  },
  {
    id: 'APR-07',
    words: 'must always ask, whatever policy or memory would answer',
    group,
    needs,
    clauses: ['approval.asked'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const waiting = await waitingCall(trial, stage, { one: one, about: operation() })
      trial.holds('memory does not answer', waiting.requestToken !== 'undefined')
      const decided = await letDecide(trial, stage, { waiting, title: 'the user refuses', decision: 'refuse' })
      const errors = decided.answers.map(answer => answer.get('error'))
      trial.holds(
        'the user is asked, and can refuse',
        errors.length === 1 && errors[0] === 'access_denied',
        `${errors}`,
      )
      const { response } = await trial.sent('sub names nobody', () =>
        asked(stage, approvalForm(stage, one, { operation: operation(), sub: 'nobody' }), one.signer),
      )
      trial.holds('no token is issued for it', memberOf(response, 'auth_token') === 'undefined')
      if (isAccepted(response)) {
        const requestToken = memberOf(response, 'request_token')
        const other = { ...waiting, requestToken }
        const taken = await letDecide(trial, stage, { waiting: other, title: 'a user allows it', decision: 'allow' })
        trial.holds('no user may answer for another', codesOf(taken).length === 0)
      }
      const [scope] = stage.configuration.directScopes
      const direct = () => {
        const token = resourceToken(
          stage,
          draft => ({ ...draft, claims: { ...draft.claims, operation: operation() } }),
          { scope },
        )
        return asked(stage, { request_type: 'auth', resource_token: token, redirect_uri: `${stage.agent.id}/callback` })
      }
      const answered = await trial.sent('a direct grant has no user', direct)
      trial.holds('memory does not answer for its approver', memberOf(answered.response, 'auth_token') === 'undefined')
      const isAsked = memberOf(answered.response, 'request_token') !== 'undefined'
      const problem = isAsked ? undefined : refusalProblem(answered, { status: 403, error: 'access_denied' })
      trial.holds('its approver is asked, or there is none: 403 access_denied', problem === undefined, problem?.text)
    },
  },
  {
    id: 'APR-36',
    words: 'must ask the user whom `sub` names, and nobody else',
    group,
    needs: [...needs, 'two-users'],
    clauses: ['approval.asked', 'consent.claimed'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      await allowedBy(trial, stage, await waitingCall(trial, stage, { one: one, about: operation() }))
      const waiting = await waitingCall(trial, stage, { one: one, about: operation() })
      const decided = await letDecide(trial, stage, {
        waiting,
        title: 'another user opens the question',
        decision: 'allow',
        user: '2',
      })
      trial.holds('no code comes of the answer of another user', codesOf(decided).length === 0)
      const own = await letDecide(trial, stage, { waiting, title: 'then its user opens it', decision: 'allow' })
      trial.holds('its user can still allow it', codesOf(own).length === 1, own.acted.detail)
    },
  },
  {
    id: 'approval.ended',
    words: 'must end when any grant of that user',
    group,
    needs,
    clauses: ['APR-40', 'consent.told'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      await allowedBy(trial, stage, await waitingCall(trial, stage, { one: one, about: operation() }))
      const waiting = await waitingCall(trial, stage, { one: one, about: operation() })
      await trial.accepted('the agent gives back what the user has granted', () => givenBack(stage, one))
      const late = await letDecide(trial, stage, { waiting, title: 'the user allows the call', decision: 'allow' })
      trial.holds('no code comes for a call under a grant that has ended', codesOf(late).length === 0)
      const errors = late.answers.map(answer => answer.get('error'))
      trial.holds('the agent is told access_denied', errors.length === 1 && errors[0] === 'access_denied', `${errors}`)
    },
  },
  {
    id: 'APR-33',
    words: 'the claims of any auth token beside it',
    group,
    needs,
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const one = await granted(trial, stage, { agent, delegate: makeDelegate(stage, 'delegate-1', agent) })
      const allowed = await allowedBy(trial, stage, await waitingCall(trial, stage, { one: one, about: operation() }))
      const renewed = makeDelegate(stage, 'delegate-1', agent)
      await trial.refused('the delegate comes with another key', () => asked(stage, codeForm(allowed), renewed), {
        status: 400,
        error: 'invalid_grant',
      })
      await trial.accepted('the key that asked redeems the code', () => asked(stage, codeForm(allowed), one.signer))
    },
  },
  {
    id: 'APR-37',
    words: 'must be one question',
    group,
    needs,
    clauses: ['approval.limits'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const about = operation()
      const before = await waitingCall(trial, stage, { one, about })
      const other = await waitingCall(trial, stage, { one, about: operation() })
      const after = await waitingCall(trial, stage, { one, about })
      const old = await letDecide(trial, stage, {
        waiting: before,
        title: 'the user opens the first link',
        decision: 'allow',
      })
      trial.holds('the first request token is worth nothing', codesOf(old).length === 0)
      const allowed = await allowedBy(trial, stage, after)
      await trial.accepted('the second one gives the token', () => asked(stage, codeForm(allowed), one.signer))
      const apart = await letDecide(trial, stage, { waiting: other, title: 'of another call', decision: 'allow' })
      trial.holds('a question about another call is another one', codesOf(apart).length === 1, apart.acted.detail)
    },
  },
  {
    id: 'APR-17',
    words: 'must refuse an `operation` of another form',
    group,
    needs,
    clauses: ['APR-16', 'APR-40', 'approval.display'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      await waitingCall(trial, stage, { one: one, about: operation() })
      const { digest: _, ...withoutDigest } = operation()
      const wrong: ReadonlyArray<readonly [string, unknown]> = [
        ['operation is a text', 'pay'],
        ['operation is null', null],
        ['operation has no digest', withoutDigest],
        ['digest is no SHA-256', operation({ digest: 'x' })],
        ['operation has an unknown name', operation({ name: 'steal' })],
        ['its name is a member of every object', operation({ name: 'constructor' })],
        ['display is a text', operation({ display: 'Pay' })],
        ['display is empty', operation({ display: [] })],
        ['display has 65 strings', operation({ display: Array.from({ length: 65 }, () => 'x') })],
        ['display has 501 characters', operation({ display: ['x'.repeat(501)] })],
        ['display turns text round', operation({ display: ['Pay ', 'a\u202Eb'] })],
        ['display has a control character', operation({ display: ['Pay ', 'a\u0000b'] })],
        ['display has an invisible character', operation({ display: ['Pay ', 'a\u200Bb'] })],
        ['display has a letter without ink', operation({ display: ['Pay ', 'a\u3164b'] })],
        ['display has a symbol without ink', operation({ display: ['Pay ', 'a\u2800b'] })],
        ['display has a pile of marks', operation({ display: ['Pay ', `a${'\u0336'.repeat(7)}`] })],
        ['display has a mark over other words', operation({ display: ['Pay 5', '\u0336'] })],
        ['display has a line separator', operation({ display: ['Pay ', 'a\u2028b'] })],
      ]
      for (const [fault, about] of wrong)
        await trial.refused(
          fault,
          () => asked(stage, approvalForm(stage, one, { operation: about }), one.signer),
          wrongOperation,
        )
    },
  },
  {
    id: 'approval.inbox',
    words: ['Whatever of that is missing, the answer must be the same', 'must take only the request tokens that'],
    group,
    needs,
    clauses: ['error.unauthorized-client'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const waiting = await waitingCall(trial, stage, { one: one, about: operation() })
      const ask = (answer: string) => () =>
        asked(stage, { ...approvalForm(stage, one, { operation: operation() }), answer }, one.signer)
      const refused: Refusal = { status: 403, error: 'unauthorized_client' }
      // With one user alone, cases of the inbox turn it on.
      const isOff = stage.user?.inbox === undefined || stage.user.hasOther
      if (isOff) await trial.refused('the user has not turned the inbox on', ask('inbox'), refused)
      await trial.refused('answer has another value', ask('mail'), refusals.request)
      const { agent, signer, redirectUri } = one
      const scope = stage.configuration.consentScope
      const plain = () => {
        const token = resourceToken(stage, undefined, { agent, scope })
        return asked(
          stage,
          { request_type: 'auth', answer: 'inbox', resource_token: token, redirect_uri: redirectUri },
          signer,
        )
      }
      await trial.refused('the resource token is about no single request', plain, refused)
      const poll = (token: string, by: Signer) => () => asked(stage, { request_type: 'poll', request_token: token }, by)
      const invalidGrant: Refusal = { status: 400, error: 'invalid_grant' }
      await trial.refused('it polls with the token of a link', poll(waiting.requestToken, signer), invalidGrant)
      await trial.refused('it polls with an unknown token', poll('x'.repeat(43), signer), invalidGrant)
      const other = byPublishedKey(stage.otherAgent)
      await trial.refused('another agent polls', poll(waiting.requestToken, other), invalidGrant)
    },
  },
  {
    id: 'APR-21',
    words: ['at most 5 open questions of a delegate and 10 of an agent', 'more is 429 `rate_limited`'],
    group,
    needs,
    clauses: ['approval.limits', 'error.rate-limited'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const one = await granted(trial, stage, { agent, delegate: makeDelegate(stage, 'delegate-1', agent) })
      await waitingCall(trial, stage, { one: one, about: operation() })
      let asks = 1
      let limited: Awaited<ReturnType<Trial['sent']>>['response']
      while (limited === undefined && asks < 51) {
        const form = approvalForm(stage, one, { operation: operation() })
        const { response } = await trial.sent(`question ${++asks} is open`, () => asked(stage, form, one.signer))
        if (response?.status !== 200) limited = response
      }
      trial.holds('open questions are limited: 429', limited?.status === 429, `after ${asks} it is ${limited?.status}`)
      trial.holds('a delegate has at most 5 open questions', asks <= 6, `question ${asks} is the first that is refused`)
      const error = limited === undefined ? undefined : jsonBody(limited)?.['error']
      trial.holds('the error is rate_limited', error === 'rate_limited', `it is ${String(error)}`)
      const wait = limited === undefined ? undefined : headerValue(limited, 'retry-after')
      trial.holds('it has Retry-After', wait !== undefined && isPause(wait), `it is ${wait}`)
    },
  },
]
