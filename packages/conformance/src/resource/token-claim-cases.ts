import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import type { ResourceStage } from './stage.js'
import { shown, tokenVaried, withClaims } from './token-variations.js'

const group = 'token-claims'
const token = 'agent'
const refusal = refusals.agentToken
const day = 86_400

/** JWT, SCH: issuers, keys and times of tokens, judged by agent tokens. */
export const tokenClaimCases: readonly Case<ResourceStage>[] = [
  tokenVaried({
    id: 'JWT-08',
    group,
    token,
    refusal,
    refused: [undefined, '', 1, null, {}, ['a']].map(iss => ({
      fault: `iss is ${shown(iss)}`,
      token: withClaims(() => ({ iss })),
    })),
  }),
  tokenVaried({
    id: 'SCH-06',
    group,
    token,
    refusal,
    refused: [
      (id: string) => `${id}/`,
      (id: string) => id.toUpperCase(),
      (id: string) => id.replace('://', '://user@'),
      (id: string) => ` ${id}`,
      (id: string) => id.replace('localhost', 'localhost.'),
    ].map(change => ({
      fault: `iss is spelt like ${change('http://localhost:1')}`,
      token: withClaims((_, stage) => ({ iss: change(stage.agent.id) })),
    })),
  }),
  tokenVaried({
    id: 'SCH-09',
    group,
    token,
    refusal,
    refused: ['/path', '?x=1', '#x', '/.well-known/aauth-agent'].map(more => ({
      fault: `iss ends with ${more}`,
      token: withClaims((_, stage) => ({ iss: `${stage.agent.id}${more}` })),
    })),
  }),
  tokenVaried({
    id: 'SCH-05',
    group,
    token,
    refusal,
    refused: [
      'http://agent.example',
      'ftp://localhost',
      'file:///etc/passwd',
      'data:text/plain,x',
      'agent.example',
    ].map(iss => ({ fault: `iss is ${iss}`, token: withClaims(() => ({ iss })) })),
  }),
  tokenVaried({
    id: 'SCH-18',
    words: '`cnf` must have `jwk` and no other member',
    group,
    token,
    refusal,
    refused: [
      { fault: 'cnf is missing', token: withClaims(() => ({ cnf: undefined })) },
      { fault: 'cnf is no object', token: withClaims(() => ({ cnf: 'key' })) },
      { fault: 'cnf has a thumbprint and no key', token: withClaims(() => ({ cnf: { jkt: 'x'.repeat(43) } })) },
      {
        fault: 'cnf has another member beside jwk',
        token: draft => ({
          ...draft,
          claims: { ...draft.claims, cnf: { ...(draft.claims['cnf'] as object), jkt: 'x'.repeat(43) } },
        }),
      },
      { fault: 'cnf.jwk is an array', token: withClaims(() => ({ cnf: { jwk: [] } })) },
      {
        fault: 'cnf.jwk has its private member',
        token: draft => {
          const { jwk } = draft.claims['cnf'] as { jwk: object }
          return { ...draft, claims: { ...draft.claims, cnf: { jwk: { ...jwk, d: 'A'.repeat(43) } } } }
        },
        refused: { status: 401 },
      },
    ],
  }),
  tokenVaried({
    id: 'JWT-12',
    words: 'Times are integers',
    group,
    token,
    refusal,
    refused: [undefined, 'never', '9999999999', null, 1.5, -1, 0, 1e300].map(exp => ({
      fault: `exp is ${shown(exp)}`,
      token: withClaims(() => ({ exp })),
    })),
  }),
  tokenVaried({
    id: 'JWT-13',
    words: '`exp` must be ahead of now',
    group,
    token,
    refusal,
    refused: [
      { fault: 'it has just expired', token: withClaims(now => ({ iat: now - 100, exp: now })) },
      { fault: 'it expired an hour ago', token: withClaims(now => ({ iat: now - 7200, exp: now - 3600 })) },
    ],
  }),
  tokenVaried({
    id: 'JWT-14',
    words: 'within the maximum of its type',
    group,
    token,
    clauses: ['token.agent.life'],
    accepted: [{ fault: 'it lives for a day', token: withClaims(now => ({ iat: now, exp: now + day })) }],
    refusal,
    refused: [
      { fault: 'it lives for a day and a second', token: withClaims(now => ({ iat: now, exp: now + day + 1 })) },
    ],
  }),
  tokenVaried({
    id: 'JWT-15',
    words: ['`iat` and `nbf` must be at most 60 s ahead', 'It must be more than 0'],
    group,
    token,
    clauses: ['token.life'],
    accepted: [{ fault: 'iat is 50 s ahead', token: withClaims(now => ({ iat: now + 50, exp: now + 600 })) }],
    refusal,
    refused: [
      { fault: 'iat is 70 s ahead', token: withClaims(now => ({ iat: now + 70, exp: now + 600 })) },
      { fault: 'nbf is 70 s ahead', token: withClaims(now => ({ nbf: now + 70 })) },
      { fault: 'exp is iat, and ahead', token: withClaims(now => ({ iat: now + 30, exp: now + 30 })) },
      { fault: 'iat is after exp', token: withClaims(now => ({ iat: now + 40, exp: now + 20 })) },
      { fault: 'iat is missing', token: withClaims(() => ({ iat: undefined })) },
      { fault: 'iat is a String', token: withClaims(now => ({ iat: String(now) })) },
      { fault: 'iat is no whole number', token: withClaims(now => ({ iat: now - 0.5 })) },
      { fault: 'nbf is no whole number', token: withClaims(now => ({ nbf: now - 0.5 })) },
      { fault: 'nbf is negative', token: withClaims(() => ({ nbf: -1 })) },
    ],
  }),
  tokenVaried({
    id: 'JWT-21',
    words: ['must have the type and form of the tables', '`cnf` must have `jwk` and no other member'],
    group,
    token,
    refusal,
    refused: [
      { fault: 'jti is a number', token: withClaims(() => ({ jti: 1 })) },
      { fault: 'jti is missing', token: withClaims(() => ({ jti: undefined })) },
      { fault: 'cnf is an array', token: withClaims(() => ({ cnf: [] })) },
      {
        fault: 'cnf has jkt beside jwk',
        token: ({ claims, ...draft }) => ({
          ...draft,
          claims: { ...claims, cnf: { ...Object(claims['cnf']), jkt: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' } },
        }),
      },
    ],
  }),
]
