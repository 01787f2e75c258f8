import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import { hasSameKeys, plainGet } from '../endpoint/document-cases.js'
import type { Participant } from '../participants/participant.js'
import { byPublishedKey } from '../resource/stage.js'
import { jsonBody } from '../wire/message.js'
import { allowedBy, askUser, claimsOf, granted, letDecide, memberOf, redeemed, type Waiting } from './asked-user.js'
import { pageOf } from './page-cases.js'
import { shownBy } from './shown-text.js'
import { type AuthServerStage, asked, type Delegate, makeDelegate, resourceToken } from './stage.js'

const group = 'sign-in'
const unknownScope: Refusal = refusals.unknownScope

/** The form by which an agent asks for its own scopes, or for its user. */
const direct = (agent: Participant, scope: string): Readonly<Record<string, string>> => ({
  request_type: 'auth',
  scope,
  redirect_uri: `${agent.id}/callback`,
  state: 'state-1',
})

/** The agent asks who its user is. @throws Undecided */
async function askWho(
  trial: Trial,
  stage: AuthServerStage,
  o: { readonly agent: Participant; readonly scope: string; readonly delegate?: Delegate },
): Promise<Waiting> {
  const { agent } = o
  const signer = o.delegate ?? byPublishedKey(agent)
  const response = await trial.control('an agent asks who its user is', () =>
    asked(stage, direct(agent, o.scope), signer),
  )
  const requestToken = memberOf(response, 'request_token')
  return { agent, signer, requestToken, redirectUri: `${agent.id}/callback`, state: 'state-1' }
}

/** AUT, TOK: what an agent asks for itself, and whom the auth server meets. */
export const signInCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'token.auth.identity-scopes',
    group,
    needs: ['sign-in', 'user'],
    words: '`openid` must be shown and must be no choice',
    clauses: ['token.auth.agent-absent', 'token.user', 'consent.grave.fresh'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const delegate = makeDelegate(stage, 'delegate-1', agent)
      const waiting = await askWho(trial, stage, { agent: agent, scope: 'openid profile', delegate })
      const { claims, decided } = await redeemed(trial, stage, await allowedBy(trial, stage, waiting))
      trial.holds('aud is the agent', claims['aud'] === agent.id, `it is ${claims['aud']}`)
      trial.holds('there is no agent claim', claims['agent'] === undefined)
      trial.holds('agent_delegate stays', claims['agent_delegate'] === 'delegate-1')
      trial.holds('the user has a sub', typeof claims['sub'] === 'string' && claims['sub'] !== '')
      trial.holds('identity scopes do not stand in scope', claims['scope'] === undefined, `scope is ${claims['scope']}`)
      const { page } = decided.acted
      if (page === undefined) return
      const sibling = makeDelegate(stage, 'delegate-2', agent)
      const other = await askWho(trial, stage, { agent, scope: 'profile', delegate: sibling })
      const unnamed = await letDecide(trial, stage, { waiting: other, title: 'the user refuses', decision: 'refuse' })
      const names = ['delegate-1', 'delegate-2']
      trial.holds('the page shows openid', shownBy(page, names) !== shownBy(pageOf(unnamed.acted), names))
      const boxes = page.match(/<(?:input|select)\b[^>]*>/gi) ?? []
      const choices = boxes.filter(box => /openid/.test(box) && !/type=["']?hidden|\bdisabled\b/i.test(box))
      trial.holds('openid is no choice', choices.length === 0, choices.join(' '))
    },
  },
  {
    id: 'token.user',
    words: 'has one `sub` per user for all audiences',
    group,
    needs: ['sign-in', 'user', 'consent'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const waiting = await askWho(trial, stage, { agent: agent, scope: 'openid' })
      const [here, there] = [
        await redeemed(trial, stage, await allowedBy(trial, stage, waiting)),
        await granted(trial, stage, { agent: await stage.openAgent() }),
      ]
      const subs = `${here.claims['sub']} and ${there.claims['sub']}`
      trial.holds('a user has one sub for all audiences', here.claims['sub'] === there.claims['sub'], subs)
    },
  },
  {
    id: 'auth.self.delegate',
    words: 'a delegate may ask for identity scopes only',
    group,
    needs: ['sign-in', 'loopback'],
    clauses: ['auth.self.scope', 'TOK-12', 'error.invalid-scope'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const identity = { issuer: agent.id, resource: agent.id, jwks_uri: `${agent.id}/jwks.json` }
      agent.origin.publish('/.well-known/aauth-resource', { ...identity, supported_scopes: ['own.read'] })
      const ask = (scope: string, delegate?: Delegate) => () =>
        asked(stage, direct(agent, scope), delegate ?? byPublishedKey(agent))
      await trial.control('an agent asks for a scope of its own', ask('own.read'))
      const delegate = makeDelegate(stage, 'delegate-1', agent)
      await trial.accepted('a delegate asks who its user is', ask('openid', delegate))
      await trial.refused('a delegate asks for a scope of its agent', ask('own.read', delegate), unknownScope)
      await trial.refused('an agent asks for a scope that it does not publish', ask('own.write'), unknownScope)
      await trial.refused('one of two scopes is not published', ask('own.read own.write'), unknownScope)
    },
  },
  {
    id: 'trust.auth-server.agents',
    group,
    needs: ['consent', 'loopback'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const waiting = await askUser(trial, stage, { agent })
      trial.holds('an agent that it has never met can ask its users', waiting.requestToken !== 'undefined')
    },
  },
  {
    id: 'id.redirect-uris',
    words: ['must be https, on any origin', 'without userinfo or fragment'],
    group,
    needs: ['consent', 'loopback'],
    clauses: ['id.endpoints.origin'],
    async run(trial, stage) {
      await askUser(trial, stage, { agent: await stage.openAgent() })
      for (const uri of ['http://evil.example/callback', 'custom:callback', 'https://x@evil.example/callback']) {
        const agent = await stage.openAgent({ redirect_uris: [uri] })
        const request = () => {
          const token = resourceToken(stage, undefined, { agent, scope: stage.configuration.consentScope })
          const form = { request_type: 'auth', resource_token: token, redirect_uri: uri, state: 'x' }
          return asked(stage, form, byPublishedKey(agent))
        }
        await trial.refused(`redirect_uris of the agent has ${uri}`, request, {
          status: [400, 401],
          error: ['invalid_request', 'discovery_failed'],
        })
      }
    },
  },
  {
    id: 'TOK-40',
    words: 'The default is `none`',
    group,
    needs: ['exchange'],
    clauses: ['grant.delegates', 'error.access-denied'],
    async run(trial, stage) {
      const { middle, configuration } = stage
      const [scope] = configuration.directScopes
      const ask = (delegate?: Delegate) => () => {
        const token = resourceToken(stage, undefined, { agent: middle, scope, signer: delegate })
        return asked(stage, { request_type: 'auth', resource_token: token }, delegate ?? byPublishedKey(middle))
      }
      await trial.control('an agent asks for what is granted to it alone', ask())
      const { response } = await trial.sent('a delegate of it asks', ask(makeDelegate(stage, 'delegate-1', middle)))
      trial.holds('no token is issued', claimsOf(response)['iss'] === undefined)
      trial.holds('no refresh token is issued', memberOf(response, 'refresh_token') === 'undefined')
    },
  },
  {
    id: 'participant.also-agent',
    group,
    async run(trial, stage) {
      const own = jsonBody(await trial.control('its metadata', plainGet(stage, '/.well-known/aauth-issuer'))) ?? {}
      const { response } = await trial.sent('its agent metadata', plainGet(stage, '/.well-known/aauth-agent'))
      if (response?.status === 404) throw new Undecided('not applicable', 'it publishes no aauth-agent')
      const document = response === undefined ? {} : (jsonBody(response) ?? {})
      trial.holds('agent is the identifier', document['agent'] === stage.id, `it is ${document['agent']}`)
      trial.holds('issuer is the identifier', document['issuer'] === stage.id)
      const isSame = await hasSameKeys(trial, stage, [own['jwks_uri'], document['jwks_uri']])
      trial.holds('it names the same keys', isSame, `${document['jwks_uri']}`)
      trial.holds('it has redirect_uris', Array.isArray(document['redirect_uris']))
    },
  },
  {
    id: 'REV-23',
    words: 'must carry the same name, refreshed ones too',
    group,
    clauses: ['revocation.claim', 'revocation.claim.one'],
    async run(trial, stage) {
      const delegates = ['delegate-1', 'delegate-2'].map(sub => makeDelegate(stage, sub))
      const names: unknown[] = []
      for (const signer of delegates) {
        const form = { request_type: 'auth', resource_token: resourceToken(stage, undefined, { signer }) }
        const response = await trial.control('a delegate gets a grant', () => asked(stage, form, signer))
        const { grant } = claimsOf(response)
        if (grant === undefined) throw new Undecided('not applicable', 'auth tokens name no grant')
        const isName = typeof grant === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(grant)
        trial.holds('grant has 1 to 64 letters, digits, - and _', isName, String(grant))
        names.push(grant)
        const refresh = { request_type: 'refresh', refresh_token: memberOf(response, 'refresh_token') }
        const later = await trial.accepted('it refreshes', () => asked(stage, refresh, signer))
        trial.holds('the new token has the same grant', claimsOf(later)['grant'] === grant)
      }
      trial.holds('another grant has another name', new Set(names).size === names.length, names.join(', '))
    },
  },
]
