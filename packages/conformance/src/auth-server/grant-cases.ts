import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { isSameScope } from '../case/same-scope.js'
import type { Trial } from '../case/trial.js'
import { holdsUnderPublishedKey } from '../endpoint/document-cases.js'
import { makeKey } from '../signing/key.js'
import { agentTokenDraft, readToken, signToken, type TokenDraft } from '../signing/token.js'
import { headerValue, jsonBody, type WireResponse } from '../wire/message.js'
import { type AuthServerStage, asked, directForm, makeDelegate, resourceToken, type TokenChange } from './stage.js'

const group = 'resource-token'
const refusal: Refusal = { status: 400, error: 'invalid_resource_token' }

/** A case of resource tokens that are wrong in one thing. */
function wrongTokens(
  id: string,
  wrong: ReadonlyArray<{ readonly fault: string; readonly token: TokenChange; readonly refused?: Refusal }>,
  clauses: readonly string[] = [],
): Case<AuthServerStage> {
  return {
    id,
    group,
    clauses,
    async run(trial, stage) {
      await trial.control('a request with a resource token', () => asked(stage, directForm(stage)))
      for (const { fault, token, refused } of wrong)
        await trial.refused(fault, () => asked(stage, directForm(stage, token)), refused ?? refusal)
    },
  }
}

const claims =
  (change: (stage: AuthServerStage) => Readonly<Record<string, unknown>>): TokenChange =>
  (draft, stage) => ({ ...draft, claims: { ...draft.claims, ...change(stage) } })
const header = (members: Readonly<Record<string, unknown>>) => (draft: TokenDraft) => ({
  ...draft,
  header: { ...draft.header, ...members },
})

/** `expires_in` beside a token says how long the token lives. */
function holdsLife(trial: Trial, title: string, response: WireResponse | undefined): void {
  const answer = (response === undefined ? undefined : jsonBody(response)) ?? {}
  const { claims = {} } = readToken(String(answer['auth_token'])) ?? {}
  const life = Number(claims['exp']) - Number(claims['iat'])
  trial.holds(
    `${title}: expires_in is exp − iat`,
    answer['expires_in'] === life,
    `${answer['expires_in']}, not ${life}`,
  )
}

/** RST: what is checked of a resource token, and what is issued for it. */
export const grantCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'auth.direct-grant',
    group,
    clauses: [
      'TOK-39',
      'token.auth.claims',
      'token.auth.aud',
      'token.auth.life',
      'token-endpoint.answer',
      'cache.no-store',
    ],
    async run(trial, stage) {
      const response = await trial.control('a request with a resource token', () => asked(stage, directForm(stage)))
      const answer = jsonBody(response) ?? {}
      const token = String(answer['auth_token'])
      trial.holds('refresh_token is a text', typeof answer['refresh_token'] === 'string')
      trial.holds(
        'expires_in is a whole number over 0',
        Number.isInteger(answer['expires_in']) && Number(answer['expires_in']) > 0,
      )
      trial.holds('the answer has no-store', /\bno-store\b/.test(headerValue(response, 'cache-control') ?? ''))
      const { header: head = {}, claims: said = {} } = readToken(token) ?? {}
      trial.holds('typ is auth+jwt', head['typ'] === 'auth+jwt')
      const wanted: Readonly<Record<string, unknown>> = { iss: stage.id, aud: stage.resource.id, agent: stage.agent.id }
      for (const [name, value] of Object.entries(wanted))
        trial.holds(`${name} is right`, said[name] === value, `it is ${JSON.stringify(said[name])}`)
      const asksFor = stage.configuration.directScopes.join(' ')
      trial.holds('scope is what was asked for', isSameScope(said['scope'], asksFor), String(said['scope']))
      const jwk = (said['cnf'] as { jwk?: Record<string, unknown> } | undefined)?.jwk ?? {}
      trial.holds('cnf.jwk is the key of the agent', jwk['x'] === stage.agent.key.jwk['x'])
      trial.holds('cnf.jwk has alg and no private member', typeof jwk['alg'] === 'string' && !('d' in jwk))
      const life = Number(said['exp']) - Number(said['iat'])
      trial.holds('it lives at most an hour', life > 0 && life <= 3600, `it lives ${life} s`)
      await holdsUnderPublishedKey(trial, stage, token)
    },
  },
  {
    id: 'token-endpoint.expires-in',
    words: 'Beside a token it is `exp` − `iat`',
    group,
    clauses: ['refresh.answer'],
    async run(trial, stage) {
      const first = await trial.control('a request with a resource token', () => asked(stage, directForm(stage)))
      holdsLife(trial, 'the direct grant', first)
      const refresh_token = String(jsonBody(first)?.['refresh_token'])
      const next = await trial.accepted('a refresh', () => asked(stage, { request_type: 'refresh', refresh_token }))
      holdsLife(trial, 'the refresh', next)
    },
  },
  {
    id: 'error.invalid-resource-token',
    words: 'as `resource_token` `invalid_resource_token`',
    group,
    clauses: ['token.unreadable'],
    async run(trial, stage) {
      const { resource_token = '', ...form } = directForm(stage)
      await trial.control('a request with a resource token', () => asked(stage, { ...form, resource_token }))
      const [, claims, signature] = resource_token.split('.')
      for (const text of ['a', 'a.b', 'a.b.c', `W10.${claims}.${signature}`, `${resource_token}.AA`])
        await trial.refused(
          `typ of the resource token "${text.slice(0, 20)}" cannot be read`,
          () => asked(stage, { ...form, resource_token: text }),
          refusal,
        )
    },
  },
  wrongTokens(
    'RST-01',
    [
      {
        fault: 'another resource has signed it',
        token: (draft, stage) => ({ ...draft, key: stage.otherResource.key }),
      },
      { fault: 'its signature is empty', token: draft => ({ ...draft, signature: () => Buffer.alloc(0) }) },
      { fault: 'kid is unknown', token: header({ kid: 'unknown' }) },
      { fault: 'it has no kid', token: header({ kid: undefined }) },
      { fault: 'alg is none', token: header({ alg: 'none' }) },
    ],
    ['error.invalid-resource-token'],
  ),
  wrongTokens('RST-02', [
    { fault: 'typ is agent+jwt', token: header({ typ: 'agent+jwt' }) },
    { fault: 'typ is JWT', token: header({ typ: 'JWT' }) },
    { fault: 'typ is missing', token: header({ typ: undefined }) },
  ]),
  wrongTokens(
    'RST-03',
    [
      { fault: 'aud is another auth server', token: claims(() => ({ aud: 'https://other.example' })) },
      { fault: 'aud is an array', token: claims(stage => ({ aud: [stage.id] })) },
      { fault: 'aud is missing', token: claims(() => ({ aud: undefined })) },
      { fault: 'aud has a slash', token: claims(stage => ({ aud: `${stage.id}/` })) },
      { fault: 'aud has the host in upper case', token: claims(stage => ({ aud: upperHost(stage.id) })) },
    ],
    ['id.equal'],
  ),
  wrongTokens('RST-04', [
    { fault: 'agent is another', token: claims(stage => ({ agent: stage.otherAgent.id })) },
    { fault: 'agent is missing', token: claims(() => ({ agent: undefined })) },
  ]),
  wrongTokens('RST-05', [
    { fault: 'agent_jkt is another key', token: claims(() => ({ agent_jkt: makeKey().thumbprint })) },
    { fault: 'agent_jkt is missing', token: claims(() => ({ agent_jkt: undefined })) },
    { fault: 'agent_jkt is no thumbprint', token: claims(() => ({ agent_jkt: 'x' })) },
  ]),
  wrongTokens('RST-07', [{ fault: 'it is for a delegate', token: claims(() => ({ agent_delegate: 'delegate-1' })) }]),
  wrongTokens('RST-08', [
    { fault: 'it has expired', token: claims(stage => ({ iat: stage.now() - 400, exp: stage.now() - 100 })) },
    { fault: 'it lives for ten minutes and a second', token: claims(stage => ({ exp: stage.now() + 601 })) },
    { fault: 'iat is 70 s ahead', token: claims(stage => ({ iat: stage.now() + 70, exp: stage.now() + 300 })) },
    { fault: 'exp is missing', token: claims(() => ({ exp: undefined })) },
  ]),
  wrongTokens('RST-09', [
    { fault: 'it asks for nothing', token: claims(() => ({ scope: undefined })) },
    { fault: 'it asks in both ways', token: claims(stage => ({ auth_request_url: `${stage.resource.id}/request` })) },
  ]),
  wrongTokens(
    'RST-13',
    [
      { fault: 'scope is an array', token: claims(() => ({ scope: ['conformance.read'] })), refused: { status: 400 } },
      { fault: 'scope has a quotation mark', token: claims(() => ({ scope: 'a"b' })), refused: { status: 400 } },
      {
        fault: 'a scope comes twice',
        token: claims(
          ({
            configuration: {
              directScopes: [one],
            },
          }) => ({ scope: `${one} ${one}` }),
        ),
        refused: { status: 400 },
      },
      {
        fault: 'it has 65 scopes',
        token: claims(() => ({ scope: Array.from({ length: 65 }, (_, at) => `s${at}`).join(' ') })),
        refused: { status: 400 },
      },
    ],
    ['limits.scopes'],
  ),
  wrongTokens('JWT-02', [
    { fault: 'it has crit', token: header({ crit: ['exp'] }) },
    { fault: 'it has b64', token: header({ b64: false }) },
  ]),
  wrongTokens('JWT-04', [
    {
      fault: 'a claim comes twice',
      token: draft => ({
        ...draft,
        claimsText: JSON.stringify(draft.claims).replace('{', '{"agent":"https://other.example",'),
      }),
    },
  ]),
  {
    id: 'RST-11',
    words: 'it may be used again',
    group,
    async run(trial, stage) {
      const token = resourceToken(stage)
      const form = { request_type: 'auth', resource_token: token }
      await trial.control('a request with a resource token', () => asked(stage, form))
      await trial.accepted('the same resource token comes again, signed anew', () => asked(stage, form))
    },
  },
  {
    id: 'RST-12',
    group,
    clauses: ['TOK-08'],
    async run(trial, stage) {
      await trial.control('a request with a resource token', () => asked(stage, directForm(stage)))
      await trial.refused(
        'scope stands beside it',
        () => asked(stage, { ...directForm(stage), scope: 'openid' }),
        refusals.request,
      )
      await trial.refused(
        'there is nothing that is asked for',
        () => asked(stage, { request_type: 'auth' }),
        refusals.request,
      )
    },
  },
  {
    id: 'RST-10',
    words: 'A reader must refuse any other document',
    group,
    clauses: ['error.discovery-failed'],
    async run(trial, stage) {
      await trial.control('a request with a resource token', () => asked(stage, directForm(stage)))
      // The agent publishes no aauth-resource.
      const token: TokenChange = (draft, { otherAgent }) => ({
        ...draft,
        key: otherAgent.key,
        claims: { ...draft.claims, iss: otherAgent.id },
      })
      await trial.refused('its issuer publishes no aauth-resource', () => asked(stage, directForm(stage, token)), {
        status: [400, 503],
        error: ['discovery_failed', 'invalid_resource_token'],
      })
    },
  },
  {
    id: 'auth.resource-token.jkt',
    group,
    async run(trial, stage) {
      const delegate = makeDelegate(stage, 'delegate-1')
      const form = (signer: typeof delegate) => ({
        request_type: 'auth',
        resource_token: resourceToken(stage, undefined, { signer: delegate }),
        x_for: signer.delegate,
      })
      await trial.control('a delegate asks', () => asked(stage, form(delegate), delegate))
      const sibling = makeDelegate(stage, 'delegate-2')
      await trial.refused(
        'a sibling comes with its resource token',
        () => asked(stage, form(sibling), sibling),
        refusal,
      )
      const renewed = makeDelegate(stage, 'delegate-1')
      await trial.refused('the delegate comes with another key', () => asked(stage, form(renewed), renewed), refusal)
    },
  },
  {
    id: 'trust.auth-server.direct',
    group,
    async run(trial, stage) {
      await trial.control('a request for a listed resource', () => asked(stage, directForm(stage)))
      const token = resourceToken(stage, undefined, { resource: stage.otherResource })
      const { response } = await trial.sent('a resource that is not listed', () =>
        asked(stage, { request_type: 'auth', resource_token: token }),
      )
      const answer = response === undefined ? {} : (jsonBody(response) ?? {})
      trial.holds('no token is issued', answer['auth_token'] === undefined && answer['refresh_token'] === undefined)
    },
  },
  {
    id: 'AGT-08',
    group,
    async run(trial, stage) {
      const delegate = makeDelegate(stage, 'delegate-1')
      const form = () => ({
        request_type: 'auth',
        resource_token: resourceToken(stage, undefined, { signer: delegate }),
      })
      await trial.control('a delegate asks', () => asked(stage, form(), delegate))
      const forged = agentTokenDraft(
        { ...stage.agent, key: delegate.key },
        { sub: 'delegate-1', key: delegate.key, now: stage.now() },
      )
      await trial.refused(
        'a delegate has signed its agent token itself',
        () => asked(stage, form(), { key: delegate.key, keyMember: `jwt;jwt="${signToken(forged)}"` }),
        refusals.agentToken,
      )
    },
  },
]

/** The same origin for a URL parser, and another identifier. */
function upperHost(id: string): string {
  return id.replace(/:\/\/[^:/]+/, host => host.toUpperCase())
}
