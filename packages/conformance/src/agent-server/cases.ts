import type { Case, Needs } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { errorOf, isAccepted, type Trial } from '../case/trial.js'
import { documentCases, holdsUnderPublishedKey } from '../endpoint/document-cases.js'
import { endpointVaried } from '../endpoint/endpoint-stage.js'
import { signedEndpointCases } from '../endpoint/signature-cases.js'
import { byPublishedKey, pseudonym, tokenMember } from '../resource/stage.js'
import { type Draft, signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { agentTokenDraft, readToken, signToken } from '../signing/token.js'
import { headerValue, jsonBody } from '../wire/message.js'
import { delegationCases } from './delegation-cases.js'
import { oidcCases } from './oidc-cases.js'
import { enrolled, rotationCases, tokenIn } from './rotation-cases.js'
import { sessionCases } from './session-cases.js'
import { signerCases } from './signer-cases.js'
import {
  type AgentServerStage,
  callerOf,
  delegateDraft,
  type Enrolled,
  enrolDraft,
  enrolmentDraft,
  subOf,
} from './stage.js'

const invalidGrant: Refusal = { status: 400, error: 'invalid_grant' }
const day = 86_400

const renewalFor = (stage: AgentServerStage, aud: unknown): Draft =>
  delegateDraft(stage, callerOf(stage.delegate), { aud })

const renewing = (change: (draft: Draft) => Draft) => (stage: AgentServerStage) => () =>
  signDraft(change(stage.right()))

/** What holds of each agent token that is issued. */
async function holdsOfToken(trial: Trial, stage: AgentServerStage, { key, token }: Enrolled): Promise<void> {
  const { header = {}, claims = {} } = readToken(token) ?? {}
  trial.holds('typ is agent+jwt', header['typ'] === 'agent+jwt', `it is ${JSON.stringify(header['typ'])}`)
  trial.holds('iss is the agent server', claims['iss'] === stage.id)
  trial.holds('sub is a text', typeof claims['sub'] === 'string' && claims['sub'] !== '')
  trial.holds('jti is a text', typeof claims['jti'] === 'string')
  const jwk = (claims['cnf'] as { jwk?: Record<string, unknown> } | undefined)?.jwk ?? {}
  trial.holds('cnf.jwk is the key of the delegate', jwk['x'] === key.jwk['x'] && jwk['alg'] === key.alg)
  trial.holds('cnf.jwk has no private member', !('d' in jwk))
  const life = Number(claims['exp']) - Number(claims['iat'])
  trial.holds('it lives at most a day', life > 0 && life <= day, `it lives ${life} s`)
  await holdsUnderPublishedKey(trial, stage, token)
}

const enrolmentCases: readonly Case<AgentServerStage>[] = [
  {
    id: 'delegate.enrol.code',
    group: 'enrolment',
    clauses: ['delegate.answer', 'token.agent.claims', 'token.agent.life', 'token-endpoint.expires-in'],
    async run(trial, stage) {
      const key = makeKey()
      const code = await stage.code()
      const response = await trial.control('a new key enrols with a new code', () =>
        signDraft(enrolDraft(stage, key, code)),
      )
      const expires = jsonBody(response)?.['expires_in']
      trial.holds('expires_in is a whole number over 0', Number.isInteger(expires) && Number(expires) > 0)
      const { claims = {} } = readToken(tokenIn(response)) ?? {}
      const life = Number(claims['exp']) - Number(claims['iat'])
      trial.holds('expires_in is the life of the token', expires === life, `${expires}, not ${life}`)
      await holdsOfToken(trial, stage, { key, token: tokenIn(response) })
      await trial.refused(
        'another key comes with the same code',
        () => signDraft(enrolDraft(stage, makeKey(), code)),
        invalidGrant,
      )
      const raced = await stage.code()
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          trial.sent(
            `key ${at + 1} of 8 enrols with one code, all at once`,
            signDraft(enrolDraft(stage, makeKey(), raced)),
          ),
        ),
      )
      const accepted = all.filter(one => isAccepted(one.response)).length
      trial.holds('exactly one of 8 keys enrols', accepted === 1, `${accepted} did`)
    },
  },
  {
    id: 'delegate.enrol.refused',
    group: 'enrolment',
    clauses: ['error.invalid-grant', 'error.reason.no-oracle'],
    async run(trial, stage) {
      const code = await stage.code()
      await trial.control('a new key enrols with a new code', () => signDraft(enrolDraft(stage, makeKey(), code)))
      const answers: string[] = []
      for (const [fault, wrong] of [
        ['the code is unknown', 'no-such-code'],
        ['the code is one letter too long', `${code}x`],
        ['the code was used', code],
      ] as const) {
        const response = await trial.refused(fault, () => signDraft(enrolDraft(stage, makeKey(), wrong)), invalidGrant)
        answers.push(String(response === undefined ? undefined : jsonBody(response)?.['reason']))
      }
      trial.holds('unknown and used codes have one reason', new Set(answers).size === 1, answers.join(', '))
    },
  },
  {
    id: 'delegate.enrol.unknown',
    group: 'enrolment',
    async run(trial, stage) {
      await enrolled(trial, stage)
      for (const enrollment of [{ type: 'moon' }, {}, 'code', null, { type: 1 }])
        await trial.refused(
          `enrollment is ${JSON.stringify(enrollment)}`,
          () => signDraft(enrolmentDraft(stage, makeKey(), enrollment)),
          refusals.request,
        )
    },
  },
]

const renewalCases: readonly Case<AgentServerStage>[] = [
  {
    id: 'delegate.renew',
    group: 'renewal',
    clauses: ['token.agent.sub', 'delegate.answer', 'cache.no-store'],
    async run(trial, stage) {
      const response = await trial.control('a delegate renews its token', () => signDraft(stage.right()))
      const token = tokenIn(response)
      await holdsOfToken(trial, stage, { key: stage.delegate.key, token })
      trial.holds('sub is the same', readToken(token)?.claims['sub'] === subOf(stage.delegate))
      trial.holds('the answer has no-store', /\bno-store\b/.test(headerValue(response, 'cache-control') ?? ''))
      const receiver = 'https://calendar.example'
      const named = await trial.sent('a renewal that names a receiver', signDraft(renewalFor(stage, receiver)))
      // It names those that the agent server allows: others are invalid_request (§9.1).
      const audience = [readToken(tokenIn(named.response))?.claims['aud']].flat()
      trial.holds(
        'its token is for that receiver, or it is refused',
        isAccepted(named.response) ? audience.includes(receiver) : errorOf(named.response) === 'invalid_request',
      )
      for (const [who, signer] of [
        ['a key that has not enrolled', pseudonym()],
        ['the key of the delegate, without its agent token', pseudonym('Ed25519', stage.delegate.key)],
        ['an agent by its published key', byPublishedKey(stage.otherAgent)],
      ] as const)
        await trial.refused(`${who} renews`, () => signDraft(delegateDraft(stage, signer, '')), {
          status: [400, 401, 403],
        })
    },
  },
  endpointVaried<AgentServerStage>({
    id: 'AGT-06',
    group: 'renewal',
    refusal: refusals.signature,
    refused: [{ fault: 'another key signs under the agent token', draft: draft => ({ ...draft, key: makeKey() }) }],
  }),
  {
    id: 'AGT-02',
    group: 'renewal',
    async run(trial, stage) {
      await trial.control('a delegate renews its token', renewing(draft => draft)(stage))
      const { key } = stage.delegate
      const refusal: Refusal = {
        status: [401, 403],
        error: [
          'invalid_agent_token',
          'insufficient_level',
          'policy_denied',
          'unauthorized_client',
          'invalid_signature',
        ],
      }
      const forged = agentTokenDraft(
        { id: stage.id, kid: 'k1', key },
        { sub: subOf(stage.delegate), key, now: stage.now() },
      )
      const foreign = agentTokenDraft(stage.otherAgent, { sub: subOf(stage.delegate), key, now: stage.now() })
      for (const [fault, token] of [
        ['the delegate has signed its token itself', signToken(forged)],
        ['the token is of another agent server', signToken(foreign)],
      ] as const)
        await trial.refused(fault, () => signDraft({ ...stage.right(), key, keyMember: tokenMember(token) }), refusal)
    },
  },
  {
    id: 'delegate.json',
    words: 'any other media type is 415',
    group: 'renewal',
    clauses: ['error.media-type'],
    async run(trial, stage) {
      await trial.control('a delegate renews its token', () => signDraft(stage.right()))
      const form = (): Draft => ({
        ...delegateDraft(stage, callerOf(stage.delegate), 'aud=x'),
        headers: [
          ['host', stage.authority],
          ['content-type', 'application/x-www-form-urlencoded'],
        ],
      })
      const unsupported: Refusal = { status: 415, error: 'invalid_request' }
      await trial.refused('the body is a form', () => signDraft(form()), unsupported)
      const coded = (): Draft => {
        const draft = delegateDraft(stage, callerOf(stage.delegate), JSON.stringify({ aud: stage.id }))
        return { ...draft, headers: [...draft.headers, ['content-encoding', 'gzip']] }
      }
      await trial.refused('the body says that it is compressed', () => signDraft(coded()), unsupported)
      for (const body of ['{', '[]', '1', '{"aud":1}', '{"aud":"https://one.example","aud":"https://two.example"}'])
        await trial.refused(
          `the body is ${body}`,
          () => signDraft(delegateDraft(stage, callerOf(stage.delegate), body)),
          {
            status: 400,
          },
        )
    },
  },
  {
    id: 'error.method',
    group: 'renewal',
    async run(trial, stage) {
      await trial.control('a delegate renews its token', () => signDraft(stage.right()))
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const response = await trial.refused(
          `the method is ${method}`,
          renewing(draft => ({ ...draft, method }))(stage),
          { status: 405 },
        )
        if (response !== undefined)
          trial.holds(`the answer to ${method} has Allow: POST`, /\bPOST\b/.test(headerValue(response, 'allow') ?? ''))
      }
    },
  },
  {
    id: 'limits.body',
    group: 'renewal',
    async run(trial, stage) {
      await trial.control('a delegate renews its token', () => signDraft(stage.right()))
      const huge = JSON.stringify({ aud: 'https://a.example', more: 'x'.repeat(70_000) })
      await trial.refused(
        'the body has over 64 KiB',
        () => signDraft(delegateDraft(stage, callerOf(stage.delegate), huge)),
        {
          status: [400, 413],
        },
      )
    },
  },
  {
    id: 'error.server-error',
    group: 'renewal',
    async run(trial, stage) {
      await trial.control('a delegate renews its token', () => signDraft(stage.right()))
      const broken = trial.seen.filter(({ response }) => (response?.status ?? 0) >= 500 && response?.status !== 503)
      trial.holds(
        'nothing has caused a server error',
        broken.length === 0,
        broken.map(one => errorOf(one.response)).join(', '),
      )
    },
  },
]

/** What cases can need of an agent server. */
export const agentServerNeeds: Needs<AgentServerStage> = {
  oidc: ({ configuration }) => (configuration.oidc === undefined ? 'oidc is not declared' : undefined),
  session: ({ configuration }) => (configuration.session === undefined ? 'session is not declared' : undefined),
  conditions: ({ configuration }) =>
    configuration.inviteWithConditions === undefined ? 'inviteWithConditions is not declared' : undefined,
}

/** All cases of an agent server, group by group. */
export const agentServerCases: readonly Case<AgentServerStage>[] = [
  ...documentCases<AgentServerStage>({
    document: 'aauth-agent',
    self: ['issuer', 'agent'],
    clause: 'metadata.agent',
    words: 'must both equal `ID`',
    endpoints: ['delegate_token_endpoint'],
  }),
  ...enrolmentCases,
  ...oidcCases,
  ...sessionCases,
  ...rotationCases,
  ...delegationCases,
  ...signedEndpointCases,
  ...renewalCases,
  ...signerCases,
]
