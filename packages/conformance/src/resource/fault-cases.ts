import { createHmac } from 'node:crypto'
import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { signDraft } from '../signing/draft.js'
import { authTokenDraft, readToken, signToken, type TokenDraft } from '../signing/token.js'
import { changeHeader, headerValue } from '../wire/message.js'
import { emailRoute } from './needs.js'
import {
  callerFor,
  draftFor,
  findRoute,
  holder,
  lowestRoute,
  pseudonym,
  type ResourceStage,
  routeOf,
  tokenMember,
} from './stage.js'
import { varied, withKeyParameter } from './variations.js'

const group = 'faults'
const fields = ['Signature-Key', 'Signature-Input', 'Signature'] as const
/** A parser of HTTP may refuse it first. */
const tooLong: Refusal = { status: [401, 431], orClosed: true }

/** Other spellings of a path, by which a router might find the same handler. */
function spellings(path: string): readonly string[] {
  const [, first = '', rest = ''] = /^\/(.)(.*)$/.exec(path) ?? []
  const coded = `%${first.charCodeAt(0).toString(16)}`
  return [
    `/${coded}${rest}`,
    `//${first}${rest}`,
    `${path}/`,
    `${path};x=1`,
    `${path}%2f`,
    `/x/..${path}`,
    path.toUpperCase(),
    `${path}%00`,
  ]
}

/** Faults of requests and tokens, and their names. */
export const faultCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'sig.headers.status',
    words: 'must answer 401, never 400',
    group,
    clauses: ['error.invalid-signature'],
    refusal: refusals.signature,
    refused: [
      ...fields.flatMap(field =>
        ['???', '', 'sig', 'sig=@'].map(text => ({
          fault: `${field} is ${JSON.stringify(text)}`,
          sent: (request: Parameters<typeof changeHeader>[0]) => changeHeader(request, field, () => text),
        })),
      ),
      ...fields.map(field => ({
        fault: `${field} is missing`,
        sent: (request: Parameters<typeof changeHeader>[0]) => changeHeader(request, field, () => undefined),
      })),
    ],
  }),
  {
    id: 'sig.alg.from-key',
    group,
    async run(trial, stage) {
      const route = lowestRoute(stage)
      const draft = () => draftFor(stage, route, callerFor(stage, route))
      await trial.control('a request', () => signDraft(draft()))
      for (const alg of ['hmac-sha256', 'none', 'rsa-pss-sha512'])
        await trial.refused(
          `the parameter alg is ${alg}`,
          () => signDraft({ ...draft(), parameters: `${draft().parameters};alg="${alg}"` }),
          { status: 401, error: ['invalid_signature', 'unsupported_algorithm'] },
        )
      if (findRoute(stage, 'pseudonymous') === undefined) return
      const { key } = pseudonym()
      // The public key is no secret: taken for one, it would verify what anyone can make.
      const hmac = (data: Uint8Array): Buffer => createHmac('sha256', String(key.jwk['x'])).update(data).digest()
      const forged = (alg: string) => () => {
        const right = draftFor(stage, routeOf(stage, 'pseudonymous'), pseudonym('Ed25519', key))
        return signDraft({ ...right, key: { ...key, sign: hmac }, parameters: `${right.parameters};alg="${alg}"` })
      }
      for (const alg of ['hmac-sha256', 'HS256'])
        await trial.refused(`an HMAC by the public key, as ${alg}`, forged(alg), {
          status: 401,
          error: ['invalid_signature', 'unsupported_algorithm'],
        })
    },
  },
  {
    id: 'sig.target.one-path',
    group,
    needs: ['identified'],
    clauses: ['RAT-12'],
    async run(trial, stage) {
      const route = routeOf(stage, 'identified')
      await trial.control('a request', () => signDraft(draftFor(stage, route)))
      for (const target of spellings(route.target))
        await trial.refused(
          `a pseudonym calls ${target}`,
          () => signDraft({ ...draftFor(stage, route, pseudonym()), target }),
          { status: [400, 401, 403, 404], orClosed: true },
        )
    },
  },
  varied({
    id: 'limits.signature-key',
    group,
    refusal: tooLong,
    refused: [{ fault: 'Signature-Key has over 7 KiB', draft: withKeyParameter(`note="${'x'.repeat(7200)}"`) }],
  }),
  {
    id: 'token.order',
    words: 'must check a token in this order',
    group,
    needs: ['authorized'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      const withTwo = (issuer: typeof stage.authServer, change: (draft: TokenDraft) => TokenDraft) => () => {
        const { agent } = stage
        const about = { aud: stage.id, agent: agent.id, key: agent.key, scope: route.scope, sub: 'user-1' }
        const token = signToken(change(authTokenDraft(issuer, { ...about, now: stage.now() })))
        return signDraft(draftFor(stage, route, { key: agent.key, keyMember: tokenMember(token) }))
      }
      await trial.control(
        'a right token',
        withTwo(stage.authServer, draft => draft),
      )
      const withClaims = (claims: object) => (draft: TokenDraft) => ({
        ...draft,
        claims: { ...draft.claims, ...claims },
      })
      const ended = withClaims({ iat: 1_700_000_000, exp: 1_700_000_600 })
      await trial.refused('another issuer, and it has ended', withTwo(stage.otherAuthServer, ended), refusals.issuer)
      await trial.refused(
        'another typ, of another issuer',
        withTwo(stage.otherAuthServer, draft => ({ ...draft, header: { ...draft.header, typ: 'JWT' } })),
        refusals.scheme,
      )
      await trial.refused(
        'it has ended, and lacks the scope',
        withTwo(stage.authServer, draft => withClaims({ scope: 'other' })(ended(draft))),
        refusals.authToken,
      )
      await trial.refused(
        'it lacks the scope',
        withTwo(stage.authServer, withClaims({ scope: 'other' })),
        refusals.scope,
      )
    },
  },
  {
    id: 'challenge.identity-scopes',
    words: 'by the claims that they grant',
    group,
    needs: ['email-route'],
    async run(trial, stage) {
      const route = emailRoute(stage)
      if (route === undefined) return
      const shown = (claims: object) => () =>
        signDraft(
          draftFor(
            stage,
            route,
            holder(stage, route, draft => ({ ...draft, claims: { ...draft.claims, scope: undefined, ...claims } })),
          ),
        )
      await trial.control('a token with the claim email', shown({ email: 'user@example.org', email_verified: true }))
      const response = await trial.refused('a token without it, whose scope has the word', shown({ scope: 'email' }), {
        status: [401, 403],
        challenge: ['auth-token', 'resource_token'],
      })
      const header = response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
      const scope = String(readToken(/resource_token="([^"]*)"/.exec(header)?.[1] ?? '')?.claims['scope'])
      trial.holds('it is asked for the scope email', scope.split(' ').includes('email'), scope)
    },
  },
]
