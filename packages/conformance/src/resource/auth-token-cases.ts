import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { draftFor, holder, type ResourceStage, routeOf } from './stage.js'
import { shown, tokenVaried, withClaims, withHeaderMembers } from './token-variations.js'

const group = 'auth-token'
const token = 'auth'
/** A failed auth token is answered with `identity=?1`. */
const refusal: Refusal = { ...refusals.authToken, challenge: ['httpsig', 'identity'] }

/** AUT: what an auth server has allowed. */
export const authTokenCases: readonly Case<ResourceStage>[] = [
  tokenVaried({
    id: 'AUT-01',
    group,
    token,
    clauses: ['error.invalid-auth-token'],
    refusal,
    refused: [
      { fault: 'its signature is empty', token: draft => ({ ...draft, signature: () => Buffer.alloc(0) }) },
      { fault: 'another key has signed it', token: draft => ({ ...draft, key: makeKey() }) },
      { fault: 'the agent has signed it', token: (draft, stage) => ({ ...draft, key: stage.agent.key }) },
      { fault: 'kid is unknown', token: withHeaderMembers({ kid: 'unknown' }) },
    ],
  }),
  {
    id: 'AUT-02',
    group,
    needs: ['authorized'],
    clauses: ['error.untrusted-issuer'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      const { otherAuthServer } = stage
      await trial.control('a request with an auth token', () => signDraft(draftFor(stage, route)))
      const before = otherAuthServer.origin.visits.length
      await trial.refused(
        'its issuer is another auth server, which has signed it',
        () => {
          const other = holder(stage, route, draft => ({
            ...draft,
            key: otherAuthServer.key,
            claims: { ...draft.claims, iss: otherAuthServer.id },
          }))
          return signDraft(draftFor(stage, route, other))
        },
        refusals.issuer,
      )
      const fetched = otherAuthServer.origin.visits.length - before
      trial.holds('nothing is fetched from that auth server', fetched === 0, `${fetched} requests came`)
    },
  },
  tokenVaried({
    id: 'JWT-09',
    group,
    token,
    refusal: { status: 401, error: ['untrusted_issuer', 'invalid_auth_token'] },
    refused: [
      (id: string) => `${id}/`,
      (id: string) => id.toUpperCase(),
      (id: string) => `${id}.evil.example`,
      (id: string) => `${id}@evil.example`,
    ].map(change => ({
      fault: `iss is spelt like ${change('http://localhost:1')}`,
      token: withClaims((_, stage) => ({ iss: change(stage.authServer.id) })),
    })),
  }),
  tokenVaried({
    id: 'AUT-03',
    group,
    token,
    refusal,
    refused: [
      { fault: 'aud is another resource', token: withClaims(() => ({ aud: 'https://other.example' })) },
      { fault: 'aud is an array with the resource', token: withClaims((_, stage) => ({ aud: [stage.id] })) },
      { fault: 'aud is the resource with a slash', token: withClaims((_, stage) => ({ aud: `${stage.id}/` })) },
      { fault: 'aud is the agent', token: withClaims((_, stage) => ({ aud: stage.agent.id })) },
    ],
  }),
  tokenVaried({
    id: 'JWT-11',
    words: 'must have the type and form of the tables',
    group,
    token,
    refusal,
    refused: [undefined, '', null, {}, 1].map(aud => ({
      fault: `aud is ${shown(aud)}`,
      token: withClaims(() => ({ aud })),
    })),
  }),
  tokenVaried({
    id: 'AUT-04',
    group,
    token,
    refusal: refusals.signature,
    refused: [
      { fault: 'another key signs the request', signer: signer => ({ ...signer, key: makeKey() }) },
      {
        fault: 'another agent signs the request',
        signer: (signer, stage) => ({ ...signer, key: stage.otherAgent.key }),
      },
    ],
  }),
  {
    id: 'AUT-05',
    words: 'no token is worth anything without its key',
    group,
    needs: ['authorized'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      const draft = draftFor(stage, route)
      await trial.control('a request with an auth token', () => signDraft(draftFor(stage, route)))
      const text = /jwt="([^"]*)"/.exec(draft.keyMember)?.[1] ?? ''
      const { method, target, headers, body } = draft
      for (const scheme of ['Bearer', 'DPoP', 'AAuth'])
        await trial.refused(
          `the token stands in Authorization: ${scheme}, and nothing is signed`,
          { method, target, headers: [...headers, ['authorization', `${scheme} ${text}`]], body },
          { status: 401 },
        )
    },
  },
  tokenVaried({
    id: 'AUT-06',
    group,
    token,
    clauses: ['challenge.failed-auth-token', 'times.exp'],
    refusal,
    refused: [
      { fault: 'it has just expired', token: withClaims(now => ({ iat: now - 100, exp: now })) },
      { fault: 'iat is 70 s ahead', token: withClaims(now => ({ iat: now + 70, exp: now + 600 })) },
      { fault: 'nbf is 70 s ahead', token: withClaims(now => ({ nbf: now + 70 })) },
    ],
  }),
  {
    id: 'challenge.failed-auth-token',
    words: 'A failed or expired auth token must get `identity=?1`',
    group,
    needs: ['pseudonymous', 'authorized'],
    async run(trial, stage) {
      const route = routeOf(stage, 'pseudonymous')
      const shows = (life: number) => () => {
        const caller = holder(stage, routeOf(stage, 'authorized'), draft =>
          withClaims(now => ({ iat: now - 100, exp: now + life }))(draft, stage),
        )
        return signDraft(draftFor(stage, route, caller))
      }
      await trial.control('a route for pseudonyms is called with an auth token', shows(300))
      await trial.refused('the token has expired', shows(-10), refusal)
    },
  },
  tokenVaried({
    id: 'AUT-07',
    words: ['absent exactly when `aud` is the agent', 'A resource must refuse such a token with `invalid_auth_token`'],
    group,
    token,
    clauses: ['token.auth.own-agent'],
    refusal,
    refused: [undefined, '', 1, 'https://agent.example/'].map(agent => ({
      fault: `agent is ${shown(agent)}`,
      token: withClaims(() => ({ agent })),
    })),
  }),
  tokenVaried({
    id: 'token.auth.agent-absent',
    group,
    token,
    refusal,
    refused: [{ fault: 'agent is the resource itself', token: withClaims((_, stage) => ({ agent: stage.id })) }],
  }),
  tokenVaried({
    id: 'token.auth.own-agent',
    words: 'A resource must refuse such a token with `invalid_auth_token`',
    group,
    token,
    refusal,
    refused: [{ fault: 'it has no agent', token: withClaims(() => ({ agent: undefined })) }],
  }),
  tokenVaried({
    id: 'revocation.claim',
    words: 'must be 1 to 64 characters',
    group,
    token,
    accepted: [
      { fault: 'grant has 64 characters', token: withClaims(() => ({ grant: `${'aZ09-_'.repeat(10)}1234` })) },
    ],
    refusal,
    refused: ['', 'a b', 'a.b', 'x'.repeat(65), 1, null].map(grant => ({
      fault: `grant is ${shown(grant)}`,
      token: withClaims(() => ({ grant })),
    })),
  }),
  tokenVaried({
    id: 'AUT-09',
    group,
    token,
    clauses: ['error.insufficient-scope'],
    refusal: refusals.scope,
    refused: [
      (scope: string) => scope.slice(0, -1),
      (scope: string) => scope.toUpperCase(),
      (scope: string) => `${scope}.more`,
      (scope: string) => scope.replace(/[^.]*$/, '*'),
      () => '*',
    ].map(change => ({
      fault: `scope is like ${change('events.read')}`,
      token: draft => ({ ...draft, claims: { ...draft.claims, scope: change(String(draft.claims['scope'])) } }),
    })),
  }),
  tokenVaried({
    id: 'AUT-10',
    group,
    token,
    refusal: { ...refusals.scope, challenge: ['httpsig', 'auth-token', 'resource_token'] },
    refused: [{ fault: 'it has no scope', token: withClaims(() => ({ scope: undefined })) }],
  }),
  tokenVaried({
    id: 'token.auth.claims',
    group,
    token,
    accepted: [
      { fault: 'it names no user', token: withClaims(() => ({ sub: undefined })) },
      { fault: 'it names a delegate', token: withClaims(() => ({ agent_delegate: 'phone' })) },
      { fault: 'it states a purpose in words', token: withClaims(() => ({ purpose: 'To plan a journey – für Ada' })) },
      { fault: 'it states purposes', token: withClaims(() => ({ purposes: 'one two' })) },
      { fault: 'it has an audit id', token: withClaims(() => ({ txn: 'txn-1' })) },
      { fault: 'it has a nbf of now', token: withClaims(now => ({ nbf: now })) },
      { fault: 'it has claims about the user', token: withClaims(() => ({ name: 'Ada', locale: 'fr', address: {} })) },
      {
        fault: 'it has claims that nobody knows',
        token: withClaims(() => ({ 'https://example.org/x': [null, { a: 1 }] })),
      },
      {
        fault: 'it has more scopes than the route needs',
        token: draft => ({
          ...draft,
          claims: { ...draft.claims, scope: `a.b ${String(draft.claims['scope'])} c:d/e` },
        }),
      },
    ],
    refusal,
    refused: [
      { fault: 'it has neither sub nor scope', token: withClaims(() => ({ scope: undefined, sub: undefined })) },
      { fault: 'scope is an array', token: withClaims(() => ({ scope: ['events.read'] })) },
      { fault: 'sub is a number', token: withClaims(() => ({ sub: 1 })) },
      { fault: 'sub has a control character', token: withClaims(() => ({ sub: 'a\u0001' })) },
    ],
  }),
  tokenVaried({
    id: 'AUT-12',
    group,
    token,
    refusal: { status: 401, error: ['unsupported_scheme', 'invalid_agent_token'] },
    refused: ['JWT', 'at+jwt', 'resource+jwt', 'id+jwt'].map(typ => ({
      fault: `typ is ${typ}`,
      token: withHeaderMembers({ typ }),
    })),
  }),
  tokenVaried({
    id: 'AUT-16',
    group,
    token,
    clauses: ['limits.act'],
    accepted: [{ fault: 'act is 5 deep', token: withClaims((_, stage) => ({ act: acts(5, stage) })) }],
    refusal,
    refused: [
      { fault: 'act is 6 deep', token: withClaims((_, stage) => ({ act: acts(6, stage) })) },
      { fault: 'act is text', token: withClaims(() => ({ act: 'agent' })) },
      { fault: 'act names no agent', token: withClaims((_, stage) => ({ act: { iss: stage.authServer.id } })) },
      {
        fault: 'act names a delegate with a control character',
        token: withClaims((_, stage) => ({ act: { ...acts(1, stage), agent_delegate: 'a\u0001' } })),
      },
    ],
  }),
  tokenVaried({
    id: 'AUT-22',
    group,
    token,
    clauses: ['token.auth.life'],
    accepted: [{ fault: 'it lives for an hour', token: withClaims(now => ({ iat: now, exp: now + 3600 })) }],
    refusal,
    refused: [
      { fault: 'it lives for an hour and a second', token: withClaims(now => ({ iat: now, exp: now + 3601 })) },
    ],
  }),
  tokenVaried({
    id: 'policy.unknown',
    words: 'must refuse with `policy_denied`',
    group,
    token,
    refusal: { ...refusals.policy, challenge: 'none' },
    refused: [
      {
        fault: 'its constraints have an unknown condition',
        token: withClaims(() => ({ constraints: [{ type: 'x-conformance' }] })),
      },
      { fault: 'its constraints are null', token: withClaims(() => ({ constraints: null })) },
      { fault: 'its constraints are text', token: withClaims(() => ({ constraints: 'until' })) },
      { fault: 'it has the delegation of an agent token', token: withClaims(() => ({ delegation: [] })) },
    ],
  }),
]

/** A chain of actors. */
function acts(depth: number, stage: ResourceStage): object {
  const inner = depth > 1 ? { act: acts(depth - 1, stage) } : {}
  return { iss: stage.authServer.id, agent: `https://agent-${depth}.example`, ...inner }
}
