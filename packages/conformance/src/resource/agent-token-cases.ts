import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { makeKey } from '../signing/key.js'
import { signToken } from '../signing/token.js'
import { type ResourceStage, tokenMember } from './stage.js'
import { shown, type TokenVariation, tokenVaried, withClaims, withHeaderMembers } from './token-variations.js'

const group = 'agent-token'
const token = 'agent'
const refusal = refusals.agentToken

/** AGT: who a delegate is. */
export const agentTokenCases: readonly Case<ResourceStage>[] = [
  tokenVaried({
    id: 'AGT-01',
    group,
    token,
    refusal,
    refused: [
      {
        fault: 'it is signed by the key of the delegate',
        signer: (signer, stage) => ({
          key: signer.key,
          keyMember: tokenMember(
            signToken({
              header: { typ: 'agent+jwt', alg: 'Ed25519', kid: stage.agent.kid },
              claims: { ...claimsOf(signer.keyMember) },
              key: signer.key,
            }),
          ),
        }),
      },
    ],
  }),
  tokenVaried({
    id: 'AGT-02',
    group,
    token,
    refusal,
    refused: [
      { fault: 'it is signed by another agent', token: (draft, stage) => ({ ...draft, key: stage.otherAgent.key }) },
      { fault: 'it is signed by the auth server', token: (draft, stage) => ({ ...draft, key: stage.authServer.key }) },
    ],
  }),
  tokenVaried({
    id: 'AGT-03',
    words: 'A reader must refuse any other document',
    group,
    token,
    refusal: { status: 401, error: ['discovery_failed', 'invalid_agent_token'] },
    refused: [
      {
        fault: 'its issuer is an auth server, which publishes no aauth-agent',
        token: (draft, stage) => ({
          ...draft,
          key: stage.otherAuthServer.key,
          claims: { ...draft.claims, iss: stage.otherAuthServer.id },
        }),
      },
    ],
  }),
  tokenVaried({
    id: 'AGT-04',
    group,
    token,
    refusal,
    refused: [undefined, '', 'x'.repeat(513), 'é'.repeat(300), 'a\u0000b', 'a\nb', 1, null, ['a']].map(sub => ({
      fault: `sub is ${shown(sub).slice(0, 30)}`,
      token: withClaims(() => ({ sub })),
    })),
  }),
  tokenVaried({
    id: 'AGT-05',
    group,
    token,
    accepted: [
      { fault: 'aud is the resource', token: withClaims((_, stage) => ({ aud: stage.id })) },
      {
        fault: 'aud has the resource among others',
        token: withClaims((_, stage) => ({ aud: ['https://other.example', stage.id] })),
      },
    ],
    refusal,
    refused: [
      { fault: 'aud is another resource', token: withClaims(() => ({ aud: 'https://other.example' })) },
      { fault: 'aud is the resource with a slash', token: withClaims((_, stage) => ({ aud: `${stage.id}/` })) },
      { fault: 'aud is an empty array', token: withClaims(() => ({ aud: [] })) },
      { fault: 'aud is a number', token: withClaims(() => ({ aud: 1 })) },
      { fault: 'aud has the resource and a number', token: withClaims((_, stage) => ({ aud: [stage.id, 1] })) },
    ],
  }),
  tokenVaried({
    id: 'AGT-06',
    group,
    token,
    refusal: refusals.signature,
    refused: [{ fault: 'another key signs the request', signer: signer => ({ ...signer, key: makeKey() }) }],
  }),
  tokenVaried({
    id: 'AGT-07',
    group,
    token,
    refusal: { status: 401, error: ['unsupported_scheme', 'invalid_auth_token', 'untrusted_issuer'] },
    refused: [
      { fault: 'typ says that it is an auth token', token: withHeaderMembers({ typ: 'auth+jwt' }) },
      { fault: 'typ says that it is a resource token', token: withHeaderMembers({ typ: 'resource+jwt' }) },
    ],
  }),
  tokenVaried({
    id: 'AGT-08',
    group,
    token,
    refusal,
    refused: [
      {
        fault: 'its issuer is a delegate',
        signer: signer => {
          const key = makeKey()
          const header = { typ: 'agent+jwt', alg: 'Ed25519', kid: 'k1' }
          const claims = { ...claimsOf(signer.keyMember), sub: 'delegate-2', cnf: { jwk: key.jwk } }
          return { key, keyMember: tokenMember(signToken({ header, claims, key: signer.key })) }
        },
      },
    ],
  }),
  tokenVaried({
    id: 'AGT-12',
    group,
    token,
    accepted: [{ fault: 'the delegate has a new key, and a new token for it', token: draft => draft }],
  }),
  tokenVaried({
    id: 'token.claims',
    words: 'every `cnf.jwk` must carry `alg`',
    group,
    token,
    clauses: ['id.jwk-alg'],
    refusal: { status: 401, error: ['invalid_agent_token', 'unsupported_algorithm'] },
    refused: [
      {
        fault: 'cnf.jwk has no alg',
        token: draft => {
          const { jwk } = draft.claims['cnf'] as { jwk: Record<string, string> }
          const { alg: _, ...members } = jwk
          return { ...draft, claims: { ...draft.claims, cnf: { jwk: members } } }
        },
      },
    ],
  }),
  tokenVaried({
    id: 'sig.alg.agrees',
    group,
    token,
    accepted: [
      { fault: 'use of cnf.jwk is sig', token: withJwk({ use: 'sig' }) },
      { fault: 'key_ops of cnf.jwk is verify', token: withJwk({ key_ops: ['verify'] }) },
    ],
    refusal: { status: 401, error: ['invalid_agent_token', 'unsupported_algorithm'] },
    refused: [
      { fault: 'use of cnf.jwk is enc', token: withJwk({ use: 'enc' }) },
      { fault: 'use of cnf.jwk is an array', token: withJwk({ use: ['sig'] }) },
      { fault: 'key_ops of cnf.jwk is encrypt', token: withJwk({ key_ops: ['encrypt'] }) },
      { fault: 'key_ops of cnf.jwk is empty', token: withJwk({ key_ops: [] }) },
      { fault: 'key_ops of cnf.jwk is text', token: withJwk({ key_ops: 'verify' }) },
      { fault: 'key_ops of cnf.jwk has verify twice', token: withJwk({ key_ops: ['verify', 'verify'] }) },
      { fault: 'alg of cnf.jwk is that of another curve', token: withJwk({ alg: 'ES256' }) },
      { fault: 'crv of cnf.jwk is another', token: withJwk({ crv: 'P-256' }) },
      { fault: 'kty of cnf.jwk is another', token: withJwk({ kty: 'EC' }) },
      { fault: 'alg of an EC key is that of another curve', token: withJwk({ ...makeKey('ES256').jwk, alg: 'ES384' }) },
      { fault: 'an EC key has no y', token: withJwk({ ...makeKey('ES256').jwk, y: undefined }) },
    ],
  }),
  tokenVaried({
    id: 'token.policy',
    group,
    token,
    refusal: refusals.policy,
    refused: [
      {
        fault: 'its delegation has an unknown condition',
        token: withClaims((_, stage) => ({ aud: [stage.id], delegation: [{ type: 'x-conformance' }] })),
      },
      {
        fault: 'its delegation is no array',
        token: withClaims((_, stage) => ({ aud: [stage.id], delegation: {} })),
      },
      { fault: 'it has the constraints of an auth token', token: withClaims(() => ({ constraints: [] })) },
    ],
  }),
]

/** The claims of a token in `Signature-Key`. */
function claimsOf(keyMember: string): Record<string, unknown> {
  const [, claims = ''] = keyMember.split('.')
  return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>
}

/** Changes members of the key in the token. */
function withJwk(members: Readonly<Record<string, unknown>>): NonNullable<TokenVariation['token']> {
  return draft => {
    const { jwk } = draft.claims['cnf'] as { jwk: Record<string, unknown> }
    return { ...draft, claims: { ...draft.claims, cnf: { jwk: { ...jwk, ...members } } } }
  }
}

/** Status and error of what is no identity. */
const unsupported: Refusal = { status: 401, error: 'unsupported_scheme' }

/** SCH: schemes of `Signature-Key`, and what types of tokens are identities. */
export const tokenTypeCases: readonly Case<ResourceStage>[] = [
  tokenVaried({
    id: 'JWT-24',
    words: ['must refuse it with `unsupported_scheme`', 'The description must name a `typ`'],
    group: 'schemes',
    token,
    clauses: ['error.unsupported-scheme', 'sig.key.jwt'],
    refusal: unsupported,
    refused: ['JWT', 'at+jwt', 'dpop+jwt', 'secevent+jwt', undefined].map(typ => ({
      fault: `typ is ${typ ?? 'missing'}`,
      token: withHeaderMembers({ typ }),
      ...(typ?.endsWith('+jwt') === true ? { described: typ } : {}),
    })),
  }),
  tokenVaried({
    id: 'JWT-16',
    group: 'schemes',
    token,
    refusal: { status: 401, error: ['unsupported_scheme', 'invalid_agent_token'] },
    refused: ['Agent+JWT', 'application/agent+jwt', ' agent+jwt', 'agent+jwt ', 'agent-jwt', ['agent+jwt'], 1].map(
      typ => ({ fault: `typ is ${JSON.stringify(typ)}`, token: withHeaderMembers({ typ }) }),
    ),
  }),
  tokenVaried({
    id: 'JWT-25',
    words: ['must refuse it with `unsupported_scheme`', 'must say that it is of a later edition'],
    group: 'schemes',
    token,
    refusal: unsupported,
    refused: [
      {
        fault: 'typ is that of a later edition',
        token: withHeaderMembers({ typ: 'aa-agent+jwt' }),
        described: 'edition',
      },
    ],
  }),
]
