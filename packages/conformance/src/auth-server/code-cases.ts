import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { Undecided } from '../case/trial.js'
import { plainGet } from '../endpoint/document-cases.js'
import { byPublishedKey, type Signer } from '../resource/stage.js'
import { allowed, askUser, claimsOf, codeForm, codesOf, granted, letDecide, linkOf, memberOf } from './asked-user.js'
import { type AuthServerStage, asked, makeDelegate } from './stage.js'

const group = 'code'
const needs = ['consent', 'user']
const invalidGrant: Refusal = { status: 400, error: 'invalid_grant' }
/** Characters that mean something in URLs, forms or pages. */
const oddState = 'a b&code=x#y%2F"<é>+/=?;'

/** UIX, TOK: what a user's decision gives, and who can redeem it. */
export const codeCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'consent.redirect',
    group,
    needs,
    clauses: ['UIX-22', 'UIX-24', 'UIX-30'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const { decided, requestToken } = await allowed(trial, stage, { agent, state: oddState })
      const [answer] = decided.answers
      trial.holds('the browser comes by GET', decided.visits[0]?.method === 'GET')
      trial.holds('the answer has state, character by character', answer?.get('state') === oddState)
      trial.holds('the answer has iss', answer?.get('iss') === stage.id, `it is ${answer?.get('iss')}`)
      const names = [...(answer?.keys() ?? [])]
      trial.holds('no parameter comes twice', new Set(names).size === names.length, names.join(' '))
      trial.holds('the answer has no error', answer?.has('error') === false)
      trial.holds('code is not the request token', answer?.get('code') !== requestToken)
      const { redirects } = decided.acted
      if (redirects !== undefined)
        trial.holds('the browser is sent back by 303', redirects.at(-1) === 303, `by ${redirects.at(-1)}`)
    },
  },
  {
    id: 'UIX-17',
    group,
    needs,
    clauses: ['error.access-denied'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      await allowed(trial, stage, { agent, scope: stage.configuration.consentScope })
      // Another delegate, for which nothing is remembered.
      const delegate = makeDelegate(stage, 'delegate-1', agent)
      const waiting = await askUser(trial, stage, { agent, delegate, state: oddState })
      const decided = await letDecide(trial, stage, { waiting, title: 'the user refuses', decision: 'refuse' })
      const [answer] = decided.answers
      const detail = `${decided.answers.length} answers came; ${decided.acted.detail}`
      trial.holds('the agent gets one answer', decided.answers.length === 1, detail)
      trial.holds('error is access_denied', answer?.get('error') === 'access_denied', `it is ${answer?.get('error')}`)
      trial.holds('there is no code', codesOf(decided).length === 0)
      trial.holds('state is right', answer?.get('state') === oddState)
      trial.holds('iss is right', answer?.get('iss') === stage.id)
      const again = await letDecide(trial, stage, {
        waiting,
        title: 'the user allows it after all',
        decision: 'allow',
      })
      trial.holds('the request has ended: no code comes', codesOf(again).length === 0)
    },
  },
  {
    id: 'code.mismatch',
    group,
    needs,
    clauses: ['TOK-17', 'TOK-20', 'consent.code', 'error.invalid-grant', 'error.reason.no-oracle'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const one = await allowed(trial, stage, { agent })
      const form = codeForm(one)
      const wrong: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, Signer]> = [
        ['redirect_uri is another of the agent', { ...form, redirect_uri: `${agent.id}/callback-2` }, one.signer],
        ['code has a letter more', { ...form, code: `${one.code}A` }, one.signer],
        ['code is the request token', { ...form, code: one.requestToken }, one.signer],
        ['request_token is unknown', { ...form, request_token: 'x'.repeat(43) }, one.signer],
        ['another agent comes with the code', form, byPublishedKey(stage.otherAgent)],
        ['a delegate of the agent comes with the code', form, makeDelegate(stage, 'delegate-1', agent)],
      ]
      const reasons: string[] = []
      for (const [fault, sent, signer] of wrong) {
        const response = await trial.refused(fault, () => asked(stage, sent, signer), invalidGrant)
        reasons.push(memberOf(response, 'reason'))
      }
      trial.holds('all these have one reason', new Set(reasons).size === 1, [...new Set(reasons)].join(', '))
      const response = await trial.accepted('after that the agent redeems the code', () =>
        asked(stage, form, one.signer),
      )
      trial.holds('it gets a token', claimsOf(response)['iss'] === stage.id)
    },
  },
  {
    id: 'code.session',
    group,
    needs,
    clauses: ['TOK-41'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const [one, other] = [await allowed(trial, stage, { agent }), await allowed(trial, stage, { agent })]
      await trial.refused(
        'a code comes with the request token of another session of the agent',
        () => asked(stage, { ...codeForm(one), request_token: other.requestToken }, one.signer),
        invalidGrant,
      )
      const { request_token: _, ...without } = codeForm(one)
      await trial.refused('a code comes without a request token', () => asked(stage, without, one.signer), {
        status: 400,
        error: ['invalid_grant', 'invalid_request'],
      })
      for (const each of [one, other])
        await trial.accepted('a code comes with its own request token', () => asked(stage, codeForm(each), each.signer))
    },
  },
  {
    id: 'code.repeat',
    words: 'must get the same answer again',
    group,
    needs,
    clauses: ['TOK-16'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const delegate = makeDelegate(stage, 'delegate-1', agent)
      const one = await allowed(trial, stage, { agent, delegate })
      const redeem = () => asked(stage, codeForm(one), one.signer)
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, at) => trial.accepted(`redemption ${at + 1} of 8 at once`, redeem)),
      )
      answers.push(await trial.accepted('the code comes again within a minute', redeem))
      const tokens = new Set(answers.map(answer => memberOf(answer, 'auth_token')))
      trial.holds('all have the same token', tokens.size === 1, `there are ${tokens.size}`)
      const kept = new Set(answers.map(answer => memberOf(answer, 'refresh_token')))
      trial.holds('all have the same refresh token', kept.size === 1, `there are ${kept.size}`)
      const renewed = makeDelegate(stage, 'delegate-1', agent)
      await trial.refused(
        'the delegate comes with another key',
        () => asked(stage, codeForm(one), renewed),
        invalidGrant,
      )
    },
  },
  {
    id: 'UIX-13',
    words: 'lives 60 s and works once',
    group,
    needs,
    clauses: ['UIX-18'],
    async run(trial, stage) {
      const one = await allowed(trial, stage, { agent: await stage.openAgent() })
      const codes = new Set([one.code])
      for (const time of ['second', 'third']) {
        const decided = await letDecide(trial, stage, {
          waiting: one,
          title: `the user allows it for the ${time} time`,
          decision: 'allow',
        })
        for (const code of codesOf(decided)) codes.add(code)
      }
      trial.holds('one request has one code', codes.size === 1, `it has ${codes.size}`)
    },
  },
  {
    id: 'consent.claimed',
    words: 'Opening a link without signing in claims nothing',
    group,
    needs,
    clauses: ['UIX-36'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      await allowed(trial, stage, { agent })
      const waiting = await askUser(trial, stage, { agent })
      const { pathname, search } = new URL(linkOf(stage, waiting))
      const { response } = await trial.sent(
        'a browser opens the link, and nobody signs in',
        plainGet(stage, `${pathname}${search}`),
      )
      if ((response?.status ?? 500) >= 400) throw new Undecided('failed', 'could not decide: the link cannot be opened')
      const decided = await letDecide(trial, stage, {
        waiting,
        title: 'the user allows it',
        decision: 'allow',
      })
      const codes = codesOf(decided).length
      trial.holds('one code comes all the same', codes === 1, `${codes} came; ${decided.acted.detail}`)
    },
  },
  {
    id: 'UIX-04',
    words: 'must equal those of the request that `request_token` stands for',
    group,
    needs,
    async run(trial, stage) {
      const agent = await stage.openAgent()
      await granted(trial, stage, { agent })
      const waiting = await askUser(trial, stage, { agent })
      const [wider] = stage.configuration.directScopes
      const more = { scope: `${stage.configuration.consentScope} ${wider}`, agent: stage.otherAgent.id, sub: 'x' }
      const link = linkOf(stage, waiting, { ...more, resource: stage.otherResource.id })
      const decided = await letDecide(trial, stage, {
        waiting,
        title: 'the link has scope, agent, resource and sub, too',
        decision: 'allow',
        link,
      })
      const [code, ...others] = codesOf(decided)
      trial.holds('at most one code comes', others.length === 0)
      if (code === undefined) return
      const response = await trial.accepted('the agent redeems the code', () =>
        asked(stage, codeForm({ ...waiting, code, decided }), waiting.signer),
      )
      const claims = claimsOf(response)
      trial.holds('scope is what was asked for', claims['scope'] === stage.configuration.consentScope)
      trial.holds('agent is the one that asked', claims['agent'] === agent.id)
      trial.holds('aud is the resource that was asked for', claims['aud'] === stage.resource.id)
    },
  },
  {
    id: 'TOK-15',
    words: 'what the code gave must be revoked',
    group,
    needs,
    clauses: ['code.reuse'],
    async run(trial, stage) {
      if (!stage.slow) throw new Undecided('skipped', 'it waits for 65 s: --slow runs it')
      const agent = await stage.openAgent()
      const used = await granted(trial, stage, { agent })
      const late = await allowed(trial, stage, { agent, delegate: makeDelegate(stage, 'delegate-1', agent) })
      await new Promise(resolve => setTimeout(resolve, 65_000))
      const refresh = () => asked(stage, { request_type: 'refresh', refresh_token: used.refreshToken }, used.signer)
      await trial.accepted('the agent refreshes', refresh)
      await trial.refused('a code comes after 65 s', () => asked(stage, codeForm(late), late.signer), invalidGrant)
      await trial.refused('a used code comes again', () => asked(stage, codeForm(used), used.signer), invalidGrant)
      await trial.refused('what the used code gave has ended', refresh, invalidGrant)
    },
  },
]
