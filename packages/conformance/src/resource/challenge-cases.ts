import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { readToken } from '../signing/token.js'
import { headerValue } from '../wire/message.js'
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
        scope: route.scope,
      }
      for (const [name, value] of Object.entries(wanted))
        trial.holds(
          `${name} of the resource token is right`,
          claims[name] === value,
          `it is ${JSON.stringify(claims[name])}`,
        )
      const life = Number(claims['exp']) - Number(claims['iat'])
      trial.holds('the resource token lives at most 10 min', life > 0 && life <= 600, `it lives ${life} s`)
      trial.holds('auth_server is the auth server', header.includes(`auth_server="${stage.authServer.id}"`))
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
    group,
    needs: ['two-scopes'],
    async run(trial, stage) {
      const [first, second] = stage.configuration.routes.filter(({ level }) => level === 'authorized')
      if (first === undefined || second === undefined) return
      await trial.control('a request with an auth token', () => signDraft(draftFor(stage, first)))
      const response = await trial.refused(
        'the token is for the scope of another route',
        () => signDraft(draftFor(stage, second, holder(stage, first))),
        { ...refusals.scope, challenge: ['auth-token', 'resource_token'] },
      )
      const header = response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
      const scope = String(readToken(/resource_token="([^"]*)"/.exec(header)?.[1] ?? '')?.claims['scope'])
      const both = new Set(`${first.scope} ${second.scope}`.split(' '))
      const asked = new Set(scope.split(' '))
      trial.holds(
        'the resource token asks for both',
        [...both].every(name => asked.has(name)) && asked.size === both.size,
        `it asks for ${scope}`,
      )
    },
  },
]
