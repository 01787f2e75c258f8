import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { byPublishedKey, draftFor, pseudonym, publishedKeyMember, type ResourceStage, routeOf } from './stage.js'
import { varied } from './variations.js'

const group = 'schemes'
const needs = ['identified']
const route = (stage: ResourceStage) => routeOf(stage, 'identified')
const caller = (stage: ResourceStage) => byPublishedKey(stage.agent)
/** A parameter that is missing or wrong is a malformed header, an unknown name an unknown agent. */
const badAgent: Refusal = { status: 401, error: ['invalid_signature', 'invalid_agent_token', 'unsupported_scheme'] }

/** SCH: the schemes of `Signature-Key`, and keys that agents publish. */
export const schemeCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'SCH-01',
    words: 'must refuse an unknown scheme',
    group,
    needs,
    route,
    caller,
    clauses: ['error.unsupported-scheme'],
    refusal: refusals.scheme,
    refused: ['foo', 'HWK', 'hwk2', 'jwks', 'jwks-uri', 'did'].map(scheme => ({
      fault: `the scheme is ${scheme}`,
      draft: draft => ({ ...draft, keyMember: draft.keyMember.replace('jwks_uri', scheme) }),
    })),
  }),
  varied({
    id: 'sig.key.scheme',
    words: 'The member must be a Token',
    group,
    needs,
    route,
    caller,
    refusal: { status: 401, error: ['unsupported_scheme', 'invalid_signature'] },
    refused: [
      ['a String', '"jwks_uri"'],
      ['a Byte Sequence', ':andrcw==:'],
      ['a Boolean', '?1'],
      ['an Inner List', '("jwks_uri")'],
    ].map(([fault, scheme = '']) => ({
      fault: `the scheme is ${fault}`,
      draft: draft => ({ ...draft, keyMember: draft.keyMember.replace('jwks_uri', scheme) }),
    })),
  }),
  varied({
    id: 'SCH-13',
    words: 'must refuse an unknown scheme',
    group,
    needs,
    route,
    caller,
    refusal: refusals.scheme,
    refused: [
      {
        fault: 'the scheme is x509, and a key stands beside it',
        draft: draft => ({ ...draft, ...pseudonym(), keyMember: pseudonym().keyMember.replace('hwk', 'x509') }),
      },
    ],
  }),
  varied({
    id: 'SCH-02',
    group,
    needs,
    route,
    caller,
    refusal: badAgent,
    refused: ['id', 'kid', 'dwk'].flatMap(name => [
      {
        fault: `${name} is missing`,
        draft: draft => ({ ...draft, keyMember: draft.keyMember.replace(new RegExp(`;${name}="[^"]*"`), '') }),
      },
      {
        fault: `${name} is empty`,
        draft: draft => ({
          ...draft,
          keyMember: draft.keyMember.replace(new RegExp(`;${name}="[^"]*"`), `;${name}=""`),
        }),
      },
    ]),
  }),
  varied({
    id: 'SCH-08',
    group,
    needs,
    route,
    caller,
    refusal: badAgent,
    refused: ['aauth-issuer', 'aauth-resource', 'AAUTH-AGENT', '../aauth-agent', 'openid-configuration'].map(dwk => ({
      fault: `dwk is ${dwk}`,
      draft: draft => ({ ...draft, keyMember: draft.keyMember.replace('"aauth-agent"', `"${dwk}"`) }),
    })),
  }),
  varied({
    id: 'id.canonical',
    group,
    needs,
    route,
    caller,
    refusal: badAgent,
    refused: stage =>
      [
        `${stage.agent.id}/`,
        stage.agent.id.toUpperCase(),
        `${stage.agent.id}?x`,
        stage.agent.id.replace('://', '://u@'),
        'http://agent.example',
        'https://agent.example:443',
        'https://agent.example.',
        'https://agent..example',
      ].map(id => ({
        fault: `id is ${id}`,
        draft: draft => ({ ...draft, keyMember: publishedKeyMember({ id, kid: stage.agent.kid }) }),
      })),
  }),
  varied({
    id: 'error.invalid-agent-token',
    group,
    needs,
    route,
    caller,
    refusal: refusals.agentToken,
    refused: [
      {
        fault: 'kid is unknown',
        draft: draft => ({ ...draft, keyMember: draft.keyMember.replace(/kid="[^"]*"/, 'kid="unknown"') }),
      },
    ],
  }),
  varied({
    id: 'sig.key.jwks-uri.lookup',
    group,
    needs,
    route,
    caller,
    refusal: refusals.signature,
    refused: stage => [
      {
        fault: 'another agent signs in the name of this one',
        draft: draft => ({ ...draft, key: stage.otherAgent.key }),
      },
      { fault: 'a key that nobody has published signs', draft: draft => ({ ...draft, key: makeKey() }) },
    ],
  }),
  {
    id: 'SCH-11',
    group,
    needs,
    clauses: ['error.insufficient-level', 'level.pseudonymous'],
    async run(trial, stage) {
      await trial.control('an agent calls', () => signDraft(draftFor(stage, route(stage), caller(stage))))
      const refusal = { ...refusals.level, challenge: ['httpsig', 'identity'] }
      await trial.refused('a pseudonym calls', () => signDraft(draftFor(stage, route(stage), pseudonym())), refusal)
      const { method, target, headers, body } = draftFor(stage, route(stage), pseudonym())
      await trial.refused(
        'the request has no signature',
        { method, target, headers, body },
        { status: 401, challenge: ['httpsig', 'identity'] },
      )
    },
  },
  {
    id: 'level.order',
    group,
    needs: ['pseudonymous', 'identified'],
    async run(trial, stage) {
      const feed = routeOf(stage, 'pseudonymous')
      await trial.control('a pseudonym calls a pseudonymous route', () => signDraft(draftFor(stage, feed, pseudonym())))
      await trial.accepted('an agent calls a pseudonymous route', () => signDraft(draftFor(stage, feed, caller(stage))))
    },
  },
]
