import { createHmac } from 'node:crypto'
import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { isAccepted } from '../case/trial.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { base64url, type TokenDraft } from '../signing/token.js'
import type { WireRequest } from '../wire/message.js'
import { flipped } from './header-changes.js'
import { delegate, draftFor, type ResourceStage, routeOf, tokenMember } from './stage.js'
import { shown, tokenVaried, withClaims, withHeaderMembers } from './token-variations.js'

const group = 'jwt'
const token = 'agent'
const refusal = refusals.agentToken
/** A token whose type cannot be read is no identity. */
const noIdentity: Refusal = {
  status: 401,
  error: ['unsupported_scheme', 'invalid_agent_token', 'invalid_auth_token', 'invalid_signature'],
}

const textual = (change: (draft: TokenDraft) => Partial<TokenDraft>) => (draft: TokenDraft) => ({
  ...draft,
  ...change(draft),
})
const asToken = (text: string) => (signer: { key: TokenDraft['key']; keyMember: string }) => ({
  ...signer,
  keyMember: tokenMember(text),
})

/** JWT: the form of tokens, judged by agent tokens. */
export const jwtCases: readonly Case<ResourceStage>[] = [
  tokenVaried({
    id: 'JWT-01',
    group,
    token,
    refusal,
    refused: [
      {
        fault: 'a bit of its signature is another',
        token: (draft, stage) => ({ ...draft, signature: bytes => flipped(bytes, stage) }),
      },
      { fault: 'its signature is empty', token: draft => ({ ...draft, signature: () => Buffer.alloc(0) }) },
      {
        fault: 'its claims were changed after it was signed',
        signer: (signer, stage) => ({
          ...signer,
          keyMember: signer.keyMember.replace(/\.([^.]*)\./, (_, claims: string) => {
            const read = JSON.parse(Buffer.from(claims, 'base64url').toString()) as object
            return `.${base64url(JSON.stringify({ ...read, exp: stage.now() + 7200 }))}.`
          }),
        }),
      },
    ],
  }),
  tokenVaried({
    id: 'KEY-01',
    group,
    token,
    refusal: noIdentity,
    refused: ['none', 'None', 'NONE', '', 1, null, undefined].map(alg => ({
      fault: `alg is ${shown(alg)}`,
      token: withHeaderMembers({ alg }),
    })),
  }),
  tokenVaried({
    id: 'KEY-02',
    group,
    token,
    refusal: noIdentity,
    refused: [
      {
        fault: "it is MACed with the issuer's public key",
        token: draft => ({
          ...withHeaderMembers({ alg: 'HS256' })(draft),
          signature: (_, input) => createHmac('sha256', JSON.stringify(draft.key.jwk)).update(input).digest(),
        }),
      },
    ],
  }),
  tokenVaried({
    id: 'KEY-17',
    group,
    token,
    refusal: noIdentity,
    refused: ['ES256', 'RS256', 'ed25519'].map(alg => ({
      fault: `alg is ${alg}, and the key is Ed25519`,
      token: withHeaderMembers({ alg }),
    })),
  }),
  tokenVaried({
    id: 'token.alg',
    words: ['must be fully specified', '`EdDSA` is read as Ed25519'],
    group,
    token,
    accepted: [{ fault: 'alg is EdDSA', token: withHeaderMembers({ alg: 'EdDSA' }) }],
    refusal: noIdentity,
    refused: [{ fault: 'alg is Ed448', token: withHeaderMembers({ alg: 'Ed448' }) }],
  }),
  tokenVaried({
    id: 'KEY-19',
    group,
    token,
    refusal,
    refused: [{ fault: 'it has no kid', token: withHeaderMembers({ kid: undefined }) }],
  }),
  tokenVaried({
    id: 'KEY-22',
    group,
    token,
    refusal,
    refused: ['K1', ' k1', 'k1 ', 'k1\u0000', 'ｋ1'].map(kid => ({
      fault: `kid is ${JSON.stringify(kid)}, and the key is k1`,
      token: withHeaderMembers({ kid }),
    })),
  }),
  tokenVaried({
    id: 'KEY-20',
    group,
    token,
    refusal,
    refused: [
      '../../etc/passwd',
      "' OR '1'='1",
      'https://evil.example/key',
      '__proto__',
      'x'.repeat(2000),
      1,
      null,
    ].map(kid => ({ fault: `kid is ${JSON.stringify(kid).slice(0, 40)}`, token: withHeaderMembers({ kid }) })),
  }),
  tokenVaried({
    id: 'KEY-23',
    group,
    token,
    accepted: [
      {
        fault: 'its header points to other keys, which must be ignored',
        token: withHeaderMembers({ jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x5u' }),
      },
    ],
    refusal,
    refused: [
      {
        fault: 'it is signed by the key in its own header',
        token: draft => {
          const key = makeKey()
          return { ...withHeaderMembers({ jwk: key.jwk, kid: 'evil' })(draft), key }
        },
      },
    ],
  }),
  tokenVaried({
    id: 'JWT-02',
    group,
    token,
    refusal,
    refused: [['exp'], [], ['x'], 'exp', null].map(crit => ({
      fault: `it has crit ${JSON.stringify(crit)}`,
      token: withHeaderMembers({ crit, x: 1 }),
    })),
  }),
  tokenVaried({
    id: 'JWT-03',
    group,
    token,
    refusal,
    refused: [true, false].map(b64 => ({ fault: `it has b64 ${b64}`, token: withHeaderMembers({ b64 }) })),
  }),
  tokenVaried({
    id: 'JWT-04',
    group,
    token,
    refusal: noIdentity,
    refused: [
      {
        fault: 'a claim comes twice',
        token: textual(draft => ({ claimsText: JSON.stringify(draft.claims).replace('{', '{"sub":"other",') })),
      },
      {
        fault: 'a member of the header comes twice',
        token: textual(draft => ({ headerText: JSON.stringify(draft.header).replace('{', '{"kid":"other",') })),
      },
      {
        fault: 'a claim comes twice, once escaped',
        token: textual(draft => ({ claimsText: JSON.stringify(draft.claims).replace('{', '{"\\u0073ub":"other",') })),
      },
    ],
  }),
  tokenVaried({
    id: 'JWT-06',
    words: 'the first two hold JSON objects',
    group,
    token,
    refusal: noIdentity,
    refused: [
      { fault: 'its claims are an array', token: textual(() => ({ claimsText: '[]' })) },
      { fault: 'its claims are null', token: textual(() => ({ claimsText: 'null' })) },
      { fault: 'its claims are no JSON', token: textual(() => ({ claimsText: '{' })) },
      { fault: 'its header is an array', token: textual(() => ({ headerText: '[]' })) },
      {
        fault: 'its claims end with more text',
        token: textual(draft => ({ claimsText: `${JSON.stringify(draft.claims)}x` })),
      },
    ],
  }),
  tokenVaried({
    id: 'SCH-17',
    words: 'three canonical base64url parts',
    group,
    token,
    refusal: noIdentity,
    refused: ['', 'a', 'a.b', 'a.b.c', '..', `${'a.'.repeat(4)}b`, '{}', 'e30.e30.e30='].map(text => ({
      fault: `the token is "${text}"`,
      signer: asToken(text),
    })),
  }),
  tokenVaried({
    id: 'token.unreadable',
    words: 'in `Signature-Key` `invalid_auth_token` where the receiver takes auth tokens',
    group,
    token,
    refusal: refusals.authToken,
    refused: [
      ...['a', 'a.b', 'a.b.c', 'W10.e30.AA', 'e30=.e30.AA'].map(text => ({
        fault: `typ of the token "${text}" cannot be read`,
        signer: asToken(text),
      })),
      {
        fault: 'typ comes twice in its header',
        token: textual(draft => ({ headerText: JSON.stringify(draft.header).replace('{', '{"typ":"agent+jwt",') })),
      },
    ],
  }),
  tokenVaried({
    id: 'JWT-18',
    group,
    token,
    refusal: {
      ...noIdentity,
      status: [401, 431],
      error: [
        'invalid_agent_token',
        'invalid_auth_token',
        'invalid_signature',
        'unsupported_scheme',
        'invalid_request',
      ],
    },
    refused: [
      // The header that it stands in has less than 7 KiB, as it may.
      { fault: 'it has over 6 KiB', token: withClaims(() => ({ more: 'x'.repeat(4500) })) },
      { fault: 'it has over 8 KiB', token: withClaims(() => ({ more: 'x'.repeat(6000) })) },
      { fault: 'it has many dots', signer: asToken('.'.repeat(6000)) },
    ],
  }),
  {
    id: 'JWT-19',
    words: 'must read JSON that is up to 16 levels deep',
    group,
    needs: ['identified'],
    async run(trial, stage) {
      const route = routeOf(stage, 'identified')
      const claiming = (arrays: number) => (): WireRequest => {
        const more = `{"deep":${'['.repeat(arrays)}${']'.repeat(arrays)},`
        const change = textual(draft => ({ claimsText: JSON.stringify(draft.claims).replace('{', more) }))
        return signDraft(draftFor(stage, route, delegate(stage, change)))
      }
      await trial.control('a request with an agent token', () => signDraft(draftFor(stage, route, delegate(stage))))
      // The claims are one level more.
      await trial.accepted('an unknown claim is 15 arrays deep', claiming(15))
      const { response } = await trial.sent('an unknown claim is 1500 arrays deep', claiming(1500))
      const isAnswered = isAccepted(response) || response?.status === 401
      trial.holds('it is ignored, or refused with 401', isAnswered, `the status is ${response?.status ?? 'none'}`)
    },
  },
  tokenVaried({
    id: 'JWT-22',
    words: 'Claims that they do not name must be ignored',
    group,
    token,
    accepted: [
      {
        fault: 'it has unknown claims with non-ASCII names',
        token: withClaims(() => ({ größe: { a: [1] }, x: null })),
      },
      {
        fault: 'its claims stand in another order, with spaces',
        token: textual(draft => ({
          claimsText: JSON.stringify(Object.fromEntries(Object.entries(draft.claims).toReversed()), null, 2),
        })),
      },
    ],
  }),
  tokenVaried({
    id: 'JWT-17',
    group,
    token,
    accepted: [
      {
        fault: 'its header has zip, cty and enc',
        token: withHeaderMembers({ zip: 'DEF', cty: 'JWT', enc: 'A128GCM' }),
      },
    ],
  }),
]
