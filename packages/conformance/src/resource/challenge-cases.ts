import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { isSameScope } from '../case/same-scope.js'
import type { Trial } from '../case/trial.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { readToken } from '../signing/token.js'
import { headerValue, type WireResponse } from '../wire/message.js'
import { byPublishedKey, delegate, draftFor, holder, pseudonym, type ResourceStage, routeOf } from './stage.js'

const group = 'challenge'

/** Challenges, and the resource tokens in them. */
export const challengeCases: readonly Case<ResourceStage>[] = [
  {
    id: 'AUT-11',
    group,
    needs: ['authorized'],
    clauses: ['challenge.auth-token', 'challenge.auth-server', 'token.resource.bound', 'token.resource.claims'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      await trial.control('a request with an auth token', () => signDraft(draftFor(stage, route)))
      const challenge = ['httpsig', 'auth-token', 'resource_token="', 'auth_server="']
      const caller = delegate(stage)
      const response = await trial.refused(
        'a delegate shows its agent token',
        () => signDraft(draftFor(stage, route, caller)),
        { ...refusals.level, challenge },
      )
      const header = response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
      const claims = readToken(/resource_token="([^"]*)"/.exec(header)?.[1] ?? '')?.claims ?? {}
      const wanted = {
        iss: stage.id,
        aud: stage.authServer.id,
        agent: stage.agent.id,
        agent_delegate: 'delegate-1',
        agent_jkt: caller.key.thumbprint,
      }
      for (const [name, value] of Object.entries(wanted))
        trial.holds(
          `${name} of the resource token is right`,
          claims[name] === value,
          `it is ${JSON.stringify(claims[name])}`,
        )
      trial.holds('its scope is that of the route', isSameScope(claims['scope'], route.scope), String(claims['scope']))
      const life = Number(claims['exp']) - Number(claims['iat'])
      trial.holds('the resource token lives at most 10 min', life > 0 && life <= 600, `it lives ${life} s`)
      trial.holds('auth_server is the auth server', header.includes(`auth_server="${stage.authServer.id}"`))
    },
  },
  {
    id: 'RAT-13',
    words: 'must get the same resource token again',
    clauses: ['rate.authorized'],
    group,
    needs: ['authorized'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      await trial.control('a request with an auth token', () => signDraft(draftFor(stage, route)))
      const request = signDraft(draftFor(stage, route, delegate(stage)))
      const wanted: Refusal = { ...refusals.level, challenge: ['auth-token', 'resource_token'] }
      const first = await trial.refused('a delegate shows its agent token', request, wanted)
      const second = await trial.refused('the same bytes come again', request, wanted)
      trial.holds('they get the same resource token', resourceTokenOf(first) === resourceTokenOf(second))
      const anew = await trial.refused(
        'it signs anew',
        () => signDraft(draftFor(stage, route, delegate(stage))),
        wanted,
      )
      trial.holds('another request gets another one', resourceTokenOf(first) !== resourceTokenOf(anew))
    },
  },
  {
    id: 'level.identity-first',
    group,
    needs: ['authorized'],
    clauses: ['challenge.verified-only'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      await trial.control('a request with an auth token', () => signDraft(draftFor(stage, route)))
      const response = await trial.refused('a pseudonym calls', () => signDraft(draftFor(stage, route, pseudonym())), {
        status: 401,
        challenge: ['httpsig', 'identity'],
      })
      const header = response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
      trial.holds('no resource token is issued to a pseudonym', !header.includes('resource_token'))
    },
  },
  {
    id: 'RST-22',
    words: 'only to a request verified as',
    group,
    needs: ['authorized'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      const claimed = { ...byPublishedKey(stage.agent), key: makeKey() }
      await trial.control('a request with an auth token', () => signDraft(draftFor(stage, route)))
      const response = await trial.refused(
        'another key signs in the name of the agent',
        () => signDraft(draftFor(stage, route, claimed)),
        refusals.signature,
      )
      const header = response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
      trial.holds('no resource token is issued', !header.includes('resource_token'))
    },
  },
  {
    id: 'challenge.union-scope',
    words: [
      'must be the union of what the presented token held',
      'must ask again for those whose claims the token held',
      'the level named might be accepted',
    ],
    group,
    needs: ['two-scopes'],
    clauses: ['challenge.identity-scopes', 'challenge.forbidden'],
    async run(trial, stage) {
      const [first, second] = stage.configuration.routes.filter(({ level }) => level === 'authorized')
      if (first === undefined || second === undefined) return
      await trial.control('a request with an auth token', () => signDraft(draftFor(stage, first)))
      const response = await trial.refused(
        'the token is for the scope of another route',
        () => signDraft(draftFor(stage, second, holder(stage, first))),
        { ...refusals.scope, challenge: ['auth-token', 'resource_token'] },
      )
      asksFor(trial, 'both', { response, scopes: `${first.scope} ${second.scope}` })
      const more = await trial.refused(
        'the token holds a scope of no route besides, and claims about its user',
        () =>
          signDraft(
            draftFor(
              stage,
              second,
              holder(stage, first, draft => ({
                ...draft,
                claims: {
                  ...draft.claims,
                  scope: `other.one ${first.scope}`,
                  email: 'ada@example.org',
                  email_verified: true,
                },
              })),
            ),
          ),
        { ...refusals.scope, challenge: ['auth-token', 'resource_token'] },
      )
      // Of identity scopes the claims tell; every token of a user grants openid.
      asksFor(trial, 'all of it', { response: more, scopes: `other.one ${first.scope} ${second.scope} email` })
    },
  },
]

function resourceTokenOf(response: WireResponse | undefined): string {
  const header = response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
  return /resource_token="([^"]*)"/.exec(header)?.[1] ?? ''
}

/** Notes whether a challenge asks for these scopes, and for no other one. */
function asksFor(
  trial: Trial,
  title: string,
  { response, scopes }: { readonly response: WireResponse | undefined; readonly scopes: string },
): void {
  const scope = String(readToken(resourceTokenOf(response))?.claims['scope'])
  const [wanted, asked] = [new Set(scopes.split(' ')), new Set(scope.split(' '))]
  const isSame = [...wanted].every(name => asked.has(name)) && asked.size === wanted.size
  trial.holds(`the resource token asks for ${title}`, isSame, `it asks for ${scope}`)
}
