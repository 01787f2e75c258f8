import { isDeepStrictEqual } from 'node:util'
import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { byPublishedKey, type Signer, tokenMember } from '../resource/stage.js'
import { type HeaderLine, jsonBody } from '../wire/message.js'
import { claimsOf } from './asked-user.js'
import {
  actOf,
  type ExchangeChange,
  exchanged,
  exchangeForm,
  exchangeRequest,
  upstreamClaims,
  upstreamDraft,
} from './exchange.js'
import { type Fault, refusedExchanges } from './refused-exchanges.js'
import { type AuthServerStage, asked, type TokenChange } from './stage.js'

const group = 'exchange'
const needs = ['exchange']
const denied: Refusal = { status: 403, error: 'access_denied', challenge: 'none' }
const wrongToken: Refusal = { status: 400, error: 'invalid_auth_token' }

/** EXC: what is checked of an exchange, and what it gives. */
export const exchangeCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'exchange.issued',
    group,
    needs,
    clauses: ['EXC-09', 'EXC-14', 'exchange.no-refresh', 'EXC-19', 'level.identified'],
    async run(trial, stage) {
      const upstream = upstreamDraft(stage)
      const exp = stage.now() + 120
      const form = {
        ...upstreamClaims({ ...upstream.claims, exp }),
        form: { agent: 'x', sub: 'x', act: '{}', exp: '9' },
      }
      const response = await exchanged(trial, stage, form)
      trial.holds('there is no refresh token', jsonBody(response)?.['refresh_token'] === undefined)
      const claims = claimsOf(response)
      const wanted: Readonly<Record<string, unknown>> = {
        iss: stage.id,
        aud: stage.resource.id,
        agent: stage.middle.id,
        agent_delegate: undefined,
        scope: stage.configuration.directScopes[0],
        txn: upstream.claims['txn'],
      }
      for (const [name, value] of Object.entries(wanted))
        trial.holds(`${name} is right`, claims[name] === value, `it is ${JSON.stringify(claims[name])}`)
      const cnf = claims['cnf'] as { jwk?: Record<string, unknown> } | undefined
      trial.holds('cnf.jwk is the key of the middle', cnf?.jwk?.['x'] === stage.middle.key.jwk['x'])
      trial.holds('it ends no later than the upstream token', Number(claims['exp']) <= exp, `exp is ${claims['exp']}`)
    },
  },
  {
    id: 'exchange.act',
    group,
    needs,
    clauses: ['EXC-17'],
    async run(trial, stage) {
      const claims = {
        agent_delegate: 'phone',
        act: actOf('https://as.example', ['https://one.example', 'https://two.example']),
      }
      const issued = claimsOf(await exchanged(trial, stage, upstreamClaims(claims)))['act']
      const act = { iss: stage.upstream.id, agent: stage.agent.id, ...claims }
      const isRight = isDeepStrictEqual(issued, JSON.parse(JSON.stringify(act)))
      trial.holds('act names the upstream issuer and agent, and has its chain', isRight, JSON.stringify(issued))
      const plain = claimsOf(await trial.accepted('a token without a chain', () => exchangeRequest(stage)))['act']
      const first = { iss: stage.upstream.id, agent: stage.agent.id }
      trial.holds('then act names the first agent alone', isDeepStrictEqual(plain, first), JSON.stringify(plain))
    },
  },
  {
    id: 'exchange.sub',
    words: 'must put its own `sub`',
    group,
    needs,
    clauses: ['EXC-27', 'token.user'],
    async run(trial, stage) {
      const claims = claimsOf(await exchanged(trial, stage, upstreamClaims({ sub: 'user-1' })))
      trial.holds('sub of the upstream user is not copied', claims['sub'] === undefined, `it is ${claims['sub']}`)
      const without = await trial.accepted('a token without a user', () =>
        exchangeRequest(stage, upstreamClaims({ sub: undefined })),
      )
      trial.holds('then there is no sub', claimsOf(without)['sub'] === undefined)
    },
  },
  {
    id: 'EXC-26',
    words: "is another party's key and proves nothing here",
    group,
    needs,
    clauses: ['exchange.own-key', 'EXC-04'],
    async run(trial, stage) {
      await exchanged(trial, stage)
      const form = exchangeForm(stage)
      const thief = byPublishedKey(stage.agent)
      const refused: Refusal = {
        status: [400, 403],
        error: ['invalid_auth_token', 'invalid_resource_token', 'access_denied'],
      }
      await trial.refused('the agent of the upstream token exchanges it', () => asked(stage, form, thief), refused)
      const shown: Signer = { key: stage.agent.key, keyMember: tokenMember(String(form['upstream_token'])) }
      await trial.refused('its agent shows it in place of who it is', () => asked(stage, form, shown), refusals.level)
    },
  },
  {
    id: 'exchange.rule',
    words: ['Without a rule the answer is 403', 'is given whole or not at all'],
    group,
    needs,
    clauses: ['exchange.whole', 'EXC-10'],
    async run(trial, stage) {
      await exchanged(trial, stage)
      const [first, second] = stage.configuration.directScopes
      const wrong: readonly Fault[] = [
        ['no rule has the scope', { scope: second }],
        ['a rule has one of two scopes', { scope: `${first} ${second}` }],
        ['the upstream token has another scope', upstreamClaims({ scope: 'conformance.other' })],
        [
          'no rule has the downstream resource',
          {
            resource: (draft, { otherResource }) => ({
              ...draft,
              key: otherResource.key,
              claims: { ...draft.claims, iss: otherResource.id },
            }),
          },
        ],
      ]
      for (const [fault, change] of wrong) await trial.refused(fault, () => exchangeRequest(stage, change), denied)
      const other = byPublishedKey(stage.otherAgent)
      const change: ExchangeChange = {
        signer: other,
        ...upstreamClaims({ aud: stage.otherAgent.id }),
        resource: draft => ({
          ...draft,
          claims: { ...draft.claims, agent: stage.otherAgent.id, agent_jkt: other.key.thumbprint },
        }),
      }
      await trial.refused('no rule has the middle', () => exchangeRequest(stage, change), denied)
    },
  },
  refusedExchanges({
    id: 'EXC-02',
    clauses: ['EXC-03', 'EXC-07', 'EXC-12', 'EXC-21', 'error.invalid-auth-token'],
    refusal: wrongToken,
    wrong: stage => [
      ['another has signed the upstream token', { upstream: draft => ({ ...draft, key: stage.agent.key }) }],
      ['its signature is empty', { upstream: draft => ({ ...draft, signature: () => Buffer.alloc(0) }) }],
      ['it has expired', upstreamClaims({ iat: stage.now() - 900, exp: stage.now() - 300 })],
      ['it lives for two hours', upstreamClaims({ exp: stage.now() + 7200 })],
      ['its typ is agent+jwt', { upstream: draft => ({ ...draft, header: { ...draft.header, typ: 'agent+jwt' } }) }],
      ['its aud is another resource', upstreamClaims({ aud: stage.resource.id })],
      ['its aud is an array', upstreamClaims({ aud: [stage.middle.id] })],
      ['it has no scope', upstreamClaims({ scope: undefined })],
      ['it has no agent', upstreamClaims({ agent: undefined })],
      ['it is encrypted', { form: { upstream_token: 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA' } }],
      ['its act is malformed', upstreamClaims({ act: { agent: stage.agent.id } })],
    ],
  }),
  {
    id: 'EXC-01',
    group,
    needs,
    clauses: ['trust.auth-server.upstream', 'error.untrusted-issuer'],
    async run(trial, stage) {
      await exchanged(trial, stage)
      const stranger = stage.otherResource
      const before = stranger.origin.visits.length
      await trial.refused(
        'the issuer of the upstream token is in no rule',
        () =>
          exchangeRequest(stage, {
            upstream: draft => ({ ...draft, key: stranger.key, claims: { ...draft.claims, iss: stranger.id } }),
          }),
        { status: 400, error: 'untrusted_issuer' },
      )
      trial.holds('nothing was fetched of that issuer', stranger.origin.visits.length === before)
    },
  },
  refusedExchanges({
    id: 'EXC-08',
    refusal: { status: 400, error: 'invalid_resource_token' },
    wrong: stage => [
      [
        'the resource token is for the upstream agent',
        {
          resource: draft => ({
            ...draft,
            claims: { ...draft.claims, agent: stage.agent.id, agent_jkt: stage.agent.key.thumbprint },
          }),
        },
      ],
      [
        'the resource token is for another key',
        { resource: draft => ({ ...draft, claims: { ...draft.claims, agent_jkt: stage.agent.key.thumbprint } }) },
      ],
    ],
  }),
  {
    id: 'exchange.own-key',
    words: 'must check, in this order',
    group,
    needs,
    async run(trial, stage) {
      await exchanged(trial, stage)
      const [, second] = stage.configuration.directScopes
      const wrongUpstream: TokenChange = draft => ({ ...draft, key: stage.agent.key })
      const wrongResource: TokenChange = draft => ({ ...draft, claims: { ...draft.claims, aud: stage.middle.id } })
      const request = exchangeRequest(stage, { upstream: wrongUpstream, resource: wrongResource })
      const forged = { ...request, headers: request.headers.map(withOtherSignature) }
      await trial.refused('the signature and both tokens are wrong', forged, refusals.signature)
      await trial.refused(
        'both tokens are wrong',
        () => exchangeRequest(stage, { upstream: wrongUpstream, resource: wrongResource }),
        { status: 400, error: 'invalid_resource_token' },
      )
      await trial.refused(
        'the upstream token is wrong, and no rule has the scope',
        () => exchangeRequest(stage, { upstream: wrongUpstream, scope: second }),
        wrongToken,
      )
    },
  },
  refusedExchanges({
    id: 'EXC-15',
    words: 'at most 5 `act` objects',
    clauses: ['exchange.chain', 'limits.act'],
    refusal: denied,
    right: ({ upstream }) => upstreamClaims({ act: actOf(upstream.id, chainOf(4)) }),
    wrong: ({ upstream, middle, resource, agent }) => [
      ['the chain would have six services', upstreamClaims({ act: actOf(upstream.id, chainOf(5)) })],
      ['the middle is in the chain already', upstreamClaims({ act: actOf(upstream.id, [middle.id]) })],
      ['the downstream resource is in the chain', upstreamClaims({ act: actOf(upstream.id, [resource.id]) })],
      ['an agent stands twice in the chain', upstreamClaims({ act: actOf(upstream.id, [agent.id]) })],
    ],
  }),
  refusedExchanges({
    id: 'EXC-29',
    clauses: ['exchange.no-user'],
    needs: ['consent'],
    refusal: denied,
    wrong: ({ configuration: { consentScope }, middle }) => [
      [
        'the upstream token has no user, and a user would have to agree',
        {
          ...upstreamClaims({ sub: undefined }),
          scope: consentScope,
          form: { redirect_uri: `${middle.id}/callback`, state: 's' },
        },
      ],
    ],
  }),
]

/** A header line, with a signature by no key. */
function withOtherSignature([name, value]: HeaderLine): HeaderLine {
  return name === 'signature'
    ? [name, value.replace(/:[^:]*:/, `:${Buffer.alloc(64, 1).toString('base64')}:`)]
    : [name, value]
}

/** As many services as a chain may have. */
function chainOf(services: number): string[] {
  return Array.from({ length: services }, (_, at) => `https://service-${at}.example`)
}
