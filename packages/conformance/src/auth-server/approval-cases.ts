import { createHash, randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import { byPublishedKey, type Signer } from '../resource/stage.js'
import { headerValue, jsonBody } from '../wire/message.js'
import {
  allowedBy,
  codeForm,
  codesOf,
  type Granted,
  givenBack,
  granted,
  letDecide,
  memberOf,
  redeemed,
  type Waiting,
} from './asked-user.js'
import { pageOf } from './page-cases.js'
import { type AuthServerStage, asked, makeDelegate, resourceToken } from './stage.js'

const group = 'approval'
const needs = ['approval', 'consent', 'user']
const wrongOperation: Refusal = { status: 400, error: 'invalid_resource_token' }

type Operation = Readonly<Record<string, unknown>>

/** The operation of a request that no other case has. */
function operation(more: Operation = {}): Operation {
  const digest = createHash('sha256').update(randomUUID()).digest('base64url')
  return { name: 'pay', digest, display: ['Pay ', '12.50 EUR', ' to ', 'bob@example.org', ''], ...more }
}

/** The form by which an agent asks a user to approve one request. */
function approvalForm(
  stage: AuthServerStage,
  one: Granted,
  o: {
    readonly operation: unknown
    readonly signer?: Signer
    readonly sub?: unknown
    readonly scope?: string | undefined
  },
): Readonly<Record<string, string>> {
  const { agent, claims, redirectUri } = one
  const { sub = claims['sub'], scope = stage.configuration.consentScope, signer = one.signer } = o
  const delegate = claims['agent_delegate']
  const holder = { key: signer.key, ...(typeof delegate === 'string' ? { delegate } : {}) }
  const token = resourceToken(
    stage,
    draft => ({ ...draft, claims: { ...draft.claims, sub, operation: o.operation } }),
    { agent, scope, signer: holder },
  )
  return { request_type: 'auth', resource_token: token, redirect_uri: redirectUri, state: 'approve' }
}

/** A question about one request waits for its user. @throws Undecided */
async function waitingCall(
  trial: Trial,
  stage: AuthServerStage,
  o: { readonly one: Granted; readonly about: Operation },
): Promise<Waiting> {
  const { one, about } = o
  const response = await trial.control('the agent asks for an approval', () =>
    asked(stage, approvalForm(stage, one, { operation: about }), one.signer),
  )
  const { agent, signer, redirectUri } = one
  return { agent, signer, redirectUri, requestToken: memberOf(response, 'request_token'), state: 'approve' }
}

/** APR: approvals of single calls, as an auth server asks for them. */
export const approvalCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'approval.token',
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
    },
  },
  {
    id: 'APR-15',
    group,
    needs,
    clauses: ['approval.display'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const about = operation({ display: ['Pay ', 'https://evil.example/x', ' to ', 'bob-of-the-suite', ''] })
      const waiting = await waitingCall(trial, stage, { one: one, about: about })
      const decided = await letDecide(trial, stage, { waiting, title: 'the user refuses', decision: 'refuse' })
      const page = pageOf(decided.acted)
      trial.holds('the page has the description of the operation', page.includes('Pay a bill'))
      trial.holds('the page has the values', page.includes('bob-of-the-suite') && page.includes('evil.example'))
      trial.holds('no value is a link', !/href=["']?https:\/\/evil\.example/i.test(page))
      trial.holds('no code comes', codesOf(decided).length === 0)
    },
  },
  {
    id: 'APR-07',
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
      const denied: Refusal = { status: 403, error: 'access_denied' }
      await trial.refused(
        'sub names nobody',
        () => asked(stage, approvalForm(stage, one, { operation: operation(), sub: 'nobody' }), one.signer),
        denied,
      )
      const [scope] = stage.configuration.directScopes
      const direct = () => {
        const token = resourceToken(
          stage,
          draft => ({ ...draft, claims: { ...draft.claims, operation: operation() } }),
          { scope },
        )
        return asked(stage, { request_type: 'auth', resource_token: token, redirect_uri: `${stage.agent.id}/callback` })
      }
      await trial.refused('a direct grant has no user, and policy names no approver', direct, denied)
    },
  },
  {
    id: 'APR-36',
    group,
    needs: [...needs, 'two-users'],
    clauses: ['approval.asked'],
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
    },
  },
  {
    id: 'approval.ended',
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
    group,
    needs,
    clauses: ['approval.limits'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const about = operation()
      const [before, after] = [
        await waitingCall(trial, stage, { one: one, about: about }),
        await waitingCall(trial, stage, { one: one, about: about }),
      ]
      const old = await letDecide(trial, stage, {
        waiting: before,
        title: 'the user opens the first link',
        decision: 'allow',
      })
      trial.holds('the first request token is worth nothing', codesOf(old).length === 0)
      const allowed = await allowedBy(trial, stage, after)
      await trial.accepted('the second one gives the token', () => asked(stage, codeForm(allowed), one.signer))
    },
  },
  {
    id: 'APR-17',
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
    group,
    needs,
    clauses: ['error.unauthorized-client'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const waiting = await waitingCall(trial, stage, { one: one, about: operation() })
      const ask = (answer: string) => () =>
        asked(stage, { ...approvalForm(stage, one, { operation: operation() }), answer }, one.signer)
      const refused: Refusal = { status: 403, error: 'unauthorized_client' }
      await trial.refused('the user has not turned the inbox on', ask('inbox'), refused)
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
    group,
    needs,
    clauses: ['approval.limits', 'error.rate-limited'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      await waitingCall(trial, stage, { one: one, about: operation() })
      let asks = 1
      let limited: Awaited<ReturnType<Trial['sent']>>['response']
      while (limited === undefined && asks < 51) {
        const form = approvalForm(stage, one, { operation: operation() })
        const { response } = await trial.sent(`question ${++asks} is open`, () => asked(stage, form, one.signer))
        if (response?.status !== 200) limited = response
      }
      trial.holds('open questions are limited: 429', limited?.status === 429, `after ${asks} it is ${limited?.status}`)
      const error = limited === undefined ? undefined : jsonBody(limited)?.['error']
      trial.holds('the error is rate_limited', error === 'rate_limited', `it is ${String(error)}`)
      const wait = limited === undefined ? undefined : headerValue(limited, 'retry-after')
      trial.holds('it has Retry-After', wait !== undefined && /^\d+$/.test(wait), `it is ${wait}`)
    },
  },
]
