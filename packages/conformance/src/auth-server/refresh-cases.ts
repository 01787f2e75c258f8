import type { Case } from '../case/case.js'
import { hasRoomFor } from '../case/random-text.js'
import type { Refusal } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import { byPublishedKey, type Signer } from '../resource/stage.js'
import { signDraft } from '../signing/draft.js'
import { readToken } from '../signing/token.js'
import { jsonBody, type WireResponse } from '../wire/message.js'
import {
  type AuthServerStage,
  asked,
  type Delegate,
  delegateForm,
  directForm,
  formDraft,
  makeDelegate,
} from './stage.js'

const group = 'refresh'
const invalidGrant: Refusal = { status: 400, error: 'invalid_grant' }

const member = (response: WireResponse | undefined, name: string): string =>
  String(response === undefined ? undefined : jsonBody(response)?.[name])

/** The refresh token of a new grant of the agent itself. */
async function granted(trial: Trial, stage: AuthServerStage): Promise<string> {
  return member(await grantAnswer(trial, stage), 'refresh_token')
}

/** The answer by which the agent itself gets a new grant. */
function grantAnswer(trial: Trial, stage: AuthServerStage): Promise<WireResponse> {
  return trial.control('the agent gets a grant', () => asked(stage, directForm(stage)))
}

/** The refresh token of a new grant of a delegate. */
async function grantedTo(trial: Trial, stage: AuthServerStage, delegate: Delegate): Promise<string> {
  const response = await trial.control('a delegate gets a grant', () =>
    asked(stage, delegateForm(stage, delegate), delegate),
  )
  return member(response, 'refresh_token')
}

const refresh = (stage: AuthServerStage, token: string, o: { signer?: Signer; scope?: string } = {}) =>
  asked(
    stage,
    { request_type: 'refresh', refresh_token: token, ...(o.scope === undefined ? {} : { scope: o.scope }) },
    o.signer,
  )

/** TOK: refresh tokens, codes and revocation. */
export const refreshCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'refresh.answer',
    group,
    clauses: ['refresh.not-rotated', 'refresh.opaque', 'token.txn'],
    async run(trial, stage) {
      const first = await grantAnswer(trial, stage)
      const token = member(first, 'refresh_token')
      const txn = readToken(member(first, 'auth_token'))?.claims['txn']
      trial.holds('the refresh token is no token that anyone could read', readToken(token) === undefined)
      trial.holds('it has room for 256 random bits', hasRoomFor(token, 256), `it has ${token.length} characters`)
      for (const round of ['first', 'second']) {
        const response = await trial.accepted(`the agent refreshes, for the ${round} time`, () => refresh(stage, token))
        const claims = readToken(member(response, 'auth_token'))?.claims ?? {}
        trial.holds(
          'the new token is for the agent and the resource',
          claims['agent'] === stage.agent.id && claims['aud'] === stage.resource.id,
        )
        trial.holds('txn stays', claims['txn'] === txn, `it is ${String(claims['txn'])}, and was ${String(txn)}`)
      }
    },
  },
  {
    id: 'TOK-23',
    group,
    clauses: ['TOK-32', 'error.reason.no-oracle', 'TOK-35'],
    async run(trial, stage) {
      const token = await granted(trial, stage)
      const reasons: string[] = []
      const wrong: ReadonlyArray<readonly [string, string, Signer | undefined]> = [
        ['the refresh token is unknown', 'x'.repeat(43), undefined],
        ['its last letter is missing', token.slice(0, -1), undefined],
        ['it has a letter more', `${token}A`, undefined],
        ['another agent comes with it', token, byPublishedKey(stage.otherAgent)],
        ['a delegate comes with it', token, makeDelegate(stage, 'delegate-1')],
      ]
      for (const [fault, sent, signer] of wrong) {
        const response = await trial.refused(
          fault,
          () => refresh(stage, sent, signer === undefined ? {} : { signer }),
          invalidGrant,
        )
        reasons.push(member(response, 'reason'))
      }
      trial.holds('all these have one reason', new Set(reasons).size === 1, [...new Set(reasons)].join(', '))
      await trial.accepted('the agent refreshes after that', () => refresh(stage, token))
    },
  },
  {
    id: 'TOK-24',
    group,
    clauses: ['refresh.bound-to-delegate'],
    async run(trial, stage) {
      const delegate = makeDelegate(stage, 'delegate-1')
      const token = await grantedTo(trial, stage, delegate)
      await trial.refused(
        'a sibling comes with it',
        () => refresh(stage, token, { signer: makeDelegate(stage, 'delegate-2') }),
        invalidGrant,
      )
      await trial.refused('the agent itself comes with it', () => refresh(stage, token), invalidGrant)
      const namesake = makeDelegate(stage, 'delegate-1', stage.otherAgent)
      await trial.refused(
        'a delegate of that name of another agent comes with it',
        () => refresh(stage, token, { signer: namesake }),
        invalidGrant,
      )
    },
  },
  {
    id: 'TOK-26',
    group,
    clauses: ['refresh.not-bound-to-key'],
    async run(trial, stage) {
      const token = await grantedTo(trial, stage, makeDelegate(stage, 'delegate-1'))
      const renewed = makeDelegate(stage, 'delegate-1')
      const response = await trial.accepted('the delegate refreshes with a new key', () =>
        refresh(stage, token, { signer: renewed }),
      )
      const cnf = readToken(member(response, 'auth_token'))?.claims['cnf'] as
        | { jwk?: Record<string, unknown> }
        | undefined
      trial.holds('the new token is for the new key', cnf?.jwk?.['x'] === renewed.key.jwk['x'])
    },
  },
  {
    id: 'token.issuer-limits',
    group,
    async run(trial, stage) {
      await granted(trial, stage)
      const { response } = await trial.sent('a purpose is longer than a token may be', () =>
        asked(stage, { ...directForm(stage), purpose: 'x'.repeat(7000) }),
      )
      const token = response === undefined ? undefined : jsonBody(response)?.['auth_token']
      const length = typeof token === 'string' ? token.length : 0
      trial.holds('no token over 6 KiB is issued', length <= 6 * 1024, `it has ${length} characters`)
    },
  },
  {
    id: 'TOK-27',
    group,
    async run(trial, stage) {
      const token = await granted(trial, stage)
      await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          trial.accepted(`refresh ${at + 1} of 8 at once`, () => refresh(stage, token)),
        ),
      )
    },
  },
  {
    id: 'refresh.scope',
    group,
    clauses: ['TOK-30'],
    async run(trial, stage) {
      const [first] = stage.configuration.directScopes
      const token = await granted(trial, stage)
      const response = await trial.accepted('a refresh narrows the scope', () =>
        refresh(stage, token, { scope: first }),
      )
      trial.holds(
        'the new token has that scope only',
        readToken(member(response, 'auth_token'))?.claims['scope'] === first,
      )
      const wider: Refusal = { status: [400, 403], error: ['invalid_scope', 'access_denied'] }
      await trial.refused(
        'a refresh asks for more',
        () => refresh(stage, token, { scope: `${first} conformance.more` }),
        wider,
      )
    },
  },
  {
    id: 'TOK-28',
    words: 'The caller must always sign as',
    group,
    async run(trial, stage) {
      const token = await granted(trial, stage)
      const { method, target, headers, body } = formDraft(stage, { request_type: 'refresh', refresh_token: token })
      await trial.refused('the request has no signature', { method, target, headers, body }, { status: 401 })
      await trial.refused(
        'another key signs in the name of the agent',
        () => refresh(stage, token, { signer: { ...byPublishedKey(stage.agent), key: stage.otherAgent.key } }),
        { status: 401, error: 'invalid_signature' },
      )
    },
  },
  {
    id: 'revoke.ends',
    words: 'Refresh, repeats of the code',
    group,
    async run(trial, stage) {
      const token = await granted(trial, stage)
      const revoke = () => signDraft(formDraft(stage, { token }, { endpoint: 'revocation_endpoint' }))
      const { response } = await trial.sent('the agent gives the refresh token back', revoke)
      trial.holds('the answer is 200', response?.status === 200, `it is ${response?.status}`)
      await trial.refused('it refreshes with it', () => refresh(stage, token), invalidGrant)
      const again = await trial.sent('it gives it back again', revoke)
      trial.holds('the answer is 200 again', again.response?.status === 200, `it is ${again.response?.status}`)
    },
  },
  {
    id: 'revoke.silent',
    words: 'A request by any other caller gets 200, too',
    group,
    async run(trial, stage) {
      const token = await granted(trial, stage)
      for (const [who, signer] of [
        ['another agent', byPublishedKey(stage.otherAgent)],
        ['a delegate', makeDelegate(stage, 'delegate-1')],
      ] as const) {
        const { response } = await trial.sent(`${who} gives it back`, () =>
          signDraft(formDraft(stage, { token }, { endpoint: 'revocation_endpoint', signer })),
        )
        trial.holds('the answer is 200', response?.status === 200, `it is ${response?.status}`)
      }
      await trial.accepted('the agent still refreshes', () => refresh(stage, token))
    },
  },
  {
    id: 'TOK-14',
    words: 'lives 60 s and works once',
    group,
    clauses: ['error.invalid-grant'],
    async run(trial, stage) {
      await granted(trial, stage)
      const form = { request_type: 'code', redirect_uri: `${stage.agent.id}/callback` }
      for (const code of ['unknown', 'x'.repeat(2000), "' OR '1'='1"])
        await trial.refused(
          `the code is ${code.slice(0, 20)}`,
          () => asked(stage, { ...form, code, request_token: 'unknown' }),
          invalidGrant,
        )
    },
  },
  {
    id: 'EXC-07',
    group,
    clauses: ['EXC-01', 'trust.auth-server.upstream'],
    async run(trial, stage) {
      await granted(trial, stage)
      const form = { ...directForm(stage), request_type: 'exchange' }
      const refusal: Refusal = { status: [400, 401, 403] }
      await trial.refused('an exchange has no upstream token', () => asked(stage, form), refusal)
      await trial.refused(
        'its upstream token is no token',
        () => asked(stage, { ...form, upstream_token: 'x' }),
        refusal,
      )
    },
  },
]
