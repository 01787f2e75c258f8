import type { Case } from '../case/case.js'
import { type Trial, Undecided } from '../case/trial.js'
import { callerOf } from '../participants/caller.js'
import { verifies } from '../participants/received.js'
import { makeKey } from '../signing/key.js'
import { headerValue } from '../wire/message.js'
import {
  directControl,
  type Flow,
  flow,
  ofStranger,
  type TokenChange,
  tokenChallenge,
  tokenParameters,
  withClaims,
} from './flow.js'
import { type AgentStage, challenged } from './stage.js'

const group = 'resource tokens'
const needs = ['identity']

/** Resource tokens with one fault each. */
const otherTokens: ReadonlyArray<readonly [title: string, change: TokenChange]> = [
  ['the resource token is for another agent', withClaims(() => ({ agent: 'https://other-agent.example' }))],
  ['it is for another delegate', withClaims(() => ({ agent_delegate: 'other-delegate' }))],
  ['it is for another key', withClaims(() => ({ agent_jkt: 'A'.repeat(43) }))],
  ['it is of another resource', withClaims(() => ({ iss: 'https://other.example' }))],
  ['it is for another auth server', withClaims(() => ({ aud: 'https://other.example' }))],
  ['another key signed it', draft => ({ ...draft, key: makeKey() })],
  ['its typ is that of an auth token', draft => ({ ...draft, header: { ...draft.header, typ: 'auth+jwt' } })],
]

/** Flows with an auth server that must not be asked. */
function mustNotAsk(stage: AgentStage, title: string, change: Partial<Flow>): (part: Trial) => Promise<void> {
  return async part => {
    const { asked, succeeded, withToken } = await flow(part, stage, { title, ...change })
    part.holds(`${title}: the auth server is not asked`, asked.length === 0, `${asked.length} requests came`)
    part.holds(`${title}: the agent says that it failed`, !succeeded && withToken.length === 0)
  }
}

/** What an agent checks of a resource before it asks an auth server. */
export const resourceTokenCases: readonly Case<AgentStage>[] = [
  {
    id: 'level.identified',
    group,
    needs,
    clauses: ['challenge.identity'],
    async run(trial, stage) {
      const { visits, authority } = await directControl(trial, stage)
      const { identity } = stage.configuration
      const callers = await Promise.all(visits.map(visit => callerOf(visit, { authority, identity, keys: stage.keys })))
      const caller = callers.find(one => one?.agent !== undefined)
      trial.holds('a request shows who the agent is', caller?.agent?.id === identity, String(caller?.agent?.id))
      trial.holds(
        'its signature verifies under that key',
        caller?.agent !== undefined && verifies(caller.found, caller.agent.jwk),
      )
    },
  },
  {
    id: 'CLI-01',
    group,
    needs,
    clauses: ['agent.checks.binding', 'agent.checks.resource-token', 'agent.checks.auth-server', 'CLI-19'],
    async run(trial, stage) {
      await directControl(trial, stage)
      const wrong = [...otherTokens, ['another resource has signed it', ofStranger(stage)] as const]
      await trial.all(wrong.map(([title, resourceToken]) => mustNotAsk(stage, title, { resourceToken })))
    },
  },
  {
    id: 'CLI-02',
    group,
    needs,
    clauses: ['trust.agent.auth-server', 'agent.checks.auth-server'],
    async run(trial, stage) {
      await directControl(trial, stage)
      const other = stage.otherAuthServer
      const before = other.origin.visits.length
      const aud = withClaims(() => ({ aud: other.id }))
      await trial.all([
        mustNotAsk(stage, 'an auth server that the agent does not accept', {
          resourceToken: aud,
          challenge: token => tokenChallenge(token, other.id),
        }),
        mustNotAsk(stage, 'it stands in the challenge alone', { challenge: token => tokenChallenge(token, other.id) }),
        mustNotAsk(stage, 'plain http elsewhere', {
          resourceToken: withClaims(() => ({ aud: 'http://auth.example' })),
          challenge: token => tokenChallenge(token, 'http://auth.example'),
        }),
      ])
      const came = other.origin.visits.length - before
      trial.holds('that auth server gets nothing', came === 0, `${came} requests came`)
    },
  },
  {
    id: 'challenge.syntax',
    words: 'is a Structured Field Item',
    group,
    needs,
    async run(trial, stage) {
      await directControl(trial, stage)
      const wrong = [
        ['a parameter that comes twice', (right: string) => `${right}; auth_server="${stage.authServer.id}"`],
        ['a list', (right: string) => `${right}, httpsig`],
        ['a String in place of the Token', (right: string) => right.replace('httpsig', '"httpsig"')],
        ['another Token', (right: string) => right.replace('httpsig', 'bearer')],
      ] as const
      await trial.all(
        wrong.map(([title, change]) =>
          mustNotAsk(stage, `a challenge with ${title}`, {
            challenge: token => challenged(change(tokenParameters(token, stage.authServer.id))),
          }),
        ),
      )
    },
  },
  {
    id: 'challenge.unknown-parameters',
    words: 'must ignore unknown parameters',
    group,
    needs,
    async run(trial, stage) {
      await directControl(trial, stage)
      const { succeeded, withToken } = await flow(trial, stage, {
        title: 'a challenge with parameters that nobody knows',
        challenge: token =>
          challenged(
            `httpsig; x-new="1"; auth-token; resource_token="${token}"; auth_server="${stage.authServer.id}"; later=?0`,
          ),
      })
      trial.holds('they are ignored', succeeded && withToken.length === 1, `${withToken.length} requests had a token`)
    },
  },
  {
    id: 'agent.rounds',
    words: 'at most two authorization rounds',
    group,
    needs,
    async run(trial, stage) {
      await directControl(trial, stage)
      const { asked, succeeded, visits } = await flow(trial, stage, {
        title: 'a resource that no auth token satisfies',
        authorized: ({ place }) => place.ask(),
      })
      const rounds = asked.length
      trial.holds(
        'there are two authorization rounds at most',
        rounds <= 2,
        `the auth server was asked ${rounds} times`,
      )
      trial.holds('the agent gives up', !succeeded && visits.length <= 12, `${visits.length} requests came`)
    },
  },
  {
    id: 'agent.tokens.kept',
    words: 'keeps tokens per user session',
    group,
    needs,
    clauses: ['level.authorized'],
    async run(trial, stage) {
      const first = await flow(trial, stage, { title: 'one resource that needs an auth token' })
      if (!first.succeeded || first.withToken.length !== 1)
        throw new Undecided('failed', 'could not decide: the agent did not make a success of the control')
      const second = await flow(trial, stage, { title: 'another one, after that' })
      const elsewhere = second.visits.filter(({ headers }) => headers.some(([, value]) => value.includes(first.mark)))
      trial.holds('another resource gets no token of the first', elsewhere.length === 0, `${elsewhere.length} had one`)
      trial.holds('it gets a token of its own', second.succeeded && second.asked.length === 1)
    },
  },
  {
    id: 'agent.tokens.per-user',
    words: "Nothing of one user's must be used",
    group,
    needs: [...needs, 'otherUser'],
    async run(trial, stage) {
      await directControl(trial, stage)
      await trial.all([
        forAnother(stage, { title: 'another user calls the same resource', again: 0, life: 600 }),
        forAnother(stage, { title: 'another user calls it after the token has ended', again: 6000, life: 5 }),
      ])
    },
  },
]

interface AnotherUser {
  readonly title: string
  /** Milliseconds until the other user calls. */
  readonly again: number
  /** Seconds that a token lives. */
  readonly life: number
}

/** The call of another user begins anew. */
function forAnother(stage: AgentStage, { title, again, life }: AnotherUser): (part: Trial) => Promise<void> {
  return async part => {
    const { asked, withToken, succeeded } = await flow(part, stage, {
      ...{ title, again },
      againBy: 'otherUser',
      authToken: draft => ({ ...draft, claims: { ...draft.claims, exp: Number(draft.claims['iat']) + life } }),
    })
    const types = asked.map(({ form }) => form['request_type'])
    const isAnew = types.length === 2 && types.every(type => type === 'auth' || type === 'device_auth')
    part.holds(`${title}: each gets a token of its own`, isAnew && succeeded, types.join(' '))
    const tokens = new Set(withToken.map(visit => headerValue(visit, 'signature-key')))
    part.holds(`${title}: none is used for both`, tokens.size === 2, `${tokens.size} were used`)
  }
}
