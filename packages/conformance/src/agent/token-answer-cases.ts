import type { Case } from '../case/case.js'
import { type Trial, Undecided } from '../case/trial.js'
import { callerOf } from '../participants/caller.js'
import { tokenError, tokenJson } from '../participants/desk.js'
import type { Reply, Visit } from '../participants/origin.js'
import { hasRightDigest, verifies } from '../participants/received.js'
import { makeKey } from '../signing/key.js'
import { readToken } from '../signing/token.js'
import { headerValue } from '../wire/message.js'
import { directControl, type Flow, flow, ofStranger, type TokenChange, withClaims } from './flow.js'
import type { AgentStage } from './stage.js'

const group = 'token answers'
const needs = ['identity']

/** Auth tokens with one fault each. */
const wrongTokens: ReadonlyArray<readonly [title: string, change: TokenChange]> = [
  ['the token is bound to another key', withClaims(() => ({ cnf: { jwk: makeKey().jwk } }))],
  ['it is for another resource', withClaims(() => ({ aud: 'https://other.example' }))],
  ['it is of another issuer', withClaims(() => ({ iss: 'https://other.example' }))],
  ['it is for another agent', withClaims(() => ({ agent: 'https://other-agent.example' }))],
  ['it is for another delegate', withClaims(() => ({ agent_delegate: 'other-delegate' }))],
  ['it has more scope than was asked for', withClaims(() => ({ scope: 'conformance.read conformance.everything' }))],
  ['it has purposes that were not asked for', withClaims(() => ({ purposes: 'research' }))],
  ['it has ended', withClaims(() => ({ iat: 1_700_000_000, exp: 1_700_000_600 }))],
  ['it lives for two hours', draft => lasting(draft, 7200)],
  ['another key signed it', draft => ({ ...draft, key: makeKey() })],
  ['its typ is that of a resource token', draft => ({ ...draft, header: { ...draft.header, typ: 'resource+jwt' } })],
  ['it has no cnf', withClaims(() => ({ cnf: undefined }))],
]

function lasting(draft: Parameters<TokenChange>[0], seconds: number): Parameters<TokenChange>[0] {
  return { ...draft, claims: { ...draft.claims, exp: Number(draft.claims['iat']) + seconds } }
}

/** Answers of a token endpoint that are no token answers. */
const wrongAnswers: ReadonlyArray<readonly [title: string, answer: () => Reply]> = [
  ['the answer has no auth_token', () => tokenJson({ expires_in: 600 })],
  ['auth_token is no text', () => tokenJson({ auth_token: { a: 1 }, expires_in: 600 })],
  ['the answer is no JSON', () => ({ ...tokenJson({}), body: '{"auth_token":' })],
  ['the refresh token has 1 MiB', () => tokenJson({ auth_token: 'x', refresh_token: 'r'.repeat(1024 * 1024) })],
  ['the answer is 403', () => tokenError('access_denied', 403)],
  ['the answer is 500', () => tokenError('server_error', 500)],
]

/** No answer of this flow may lead to a request with a token. */
function mustRefuse(stage: AgentStage, title: string, change: Partial<Flow>): (part: Trial) => Promise<void> {
  return async part => {
    const { asked, succeeded, withToken } = await flow(part, stage, { title, ...change })
    part.holds(`${title}: the auth server was asked`, asked.length > 0)
    part.holds(`${title}: the token is not used`, withToken.length === 0, `${withToken.length} requests had it`)
    part.holds(`${title}: the agent says that it failed`, !succeeded)
    part.holds(
      `${title}: it does not ask for ever`,
      asked.length <= 4,
      `the auth server was asked ${asked.length} times`,
    )
  }
}

/** What an answer says of the life of its token beside the token changes nothing. */
function goesByExp(stage: AgentStage, expires_in: unknown): (part: Trial) => Promise<void> {
  return async part => {
    const title = `expires_in is ${expires_in === undefined ? 'missing' : JSON.stringify(expires_in)}`
    const { succeeded, withToken } = await flow(part, stage, {
      title,
      token: (_, place) => saying(expires_in, place.grant()),
    })
    part.holds(`${title}: the token is used`, withToken.length > 0)
    part.holds(`${title}: the call succeeds`, succeeded)
  }
}

/** A token that has ended is not shown, even where `expires_in` said that it would last. */
function showsNoEndedToken(stage: AgentStage): (part: Trial) => Promise<void> {
  return async part => {
    const { withToken } = await flow(part, stage, {
      title: 'a second call, after a token has ended whose expires_in is 3600',
      again: 6000,
      token: (_, place) =>
        saying(
          3600,
          place.grant(draft => lasting(draft, 5)),
        ),
    })
    const ended = withToken.filter(visit => Number(shownClaims(visit)?.['exp']) * 1000 <= visit.at)
    part.holds('no request shows a token that has ended', ended.length === 0, `${ended.length} did`)
  }
}

/** A token answer that says this of the life of its token. */
function saying(expires_in: unknown, { body }: Reply): Reply {
  return tokenJson({ ...(JSON.parse(String(body)) as object), expires_in })
}

/** What an agent sends to a token endpoint, and what it checks of the answer. */
export const tokenAnswerCases: readonly Case<AgentStage>[] = [
  {
    id: 'token-endpoint.identified',
    words: 'The caller must always sign as',
    group,
    needs,
    clauses: ['token-endpoint.form', 'auth.one-request'],
    async run(trial, stage) {
      const { asked, visits } = await directControl(trial, stage)
      const [request] = asked
      trial.holds('the auth server is asked once', asked.length === 1, `it was asked ${asked.length} times`)
      if (request === undefined) return
      const { form, visit } = request
      const { identity } = stage.configuration
      const authority = new URL(stage.authServer.id).host
      const caller = await callerOf(visit, { authority, identity, keys: stage.keys })
      trial.holds('the request shows who the agent is', caller?.agent?.id === identity)
      trial.holds('its signature verifies', caller?.agent !== undefined && verifies(caller.found, caller.agent.jwk))
      for (const name of ['@method', '@authority', '@path', 'content-type', 'content-digest', 'signature-key'])
        trial.holds(`${name} is covered`, caller?.found.components.includes(name) === true)
      const type = headerValue(visit, 'content-type') ?? ''
      trial.holds('the body is a form', /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type), type)
      trial.holds('Content-Digest is right', hasRightDigest(visit))
      trial.holds('no parameter stands in the URL', !visit.target.includes('?'), visit.target)
      trial.holds('request_type is auth', form['request_type'] === 'auth' || form['request_type'] === 'device_auth')
      const others = ['scope', 'auth_request_url'].filter(name => form[name] !== undefined)
      trial.holds('only the resource token says what is asked', others.length === 0, others.join(' '))
      trial.holds(
        'the resource got no resource token back',
        !visits.some(({ target }) => target.includes('resource_token')),
      )
    },
  },
  {
    id: 'CLI-11',
    words: 'In a token answer, `typ`',
    group,
    needs,
    clauses: ['agent.checks.token-answer', 'token.auth.life', 'token.auth.aud'],
    async run(trial, stage) {
      await directControl(trial, stage)
      const wrong = [...wrongTokens, ['another auth server has signed it', ofStranger(stage)] as const]
      await trial.all(wrong.map(([title, authToken]) => mustRefuse(stage, title, { authToken })))
    },
  },
  {
    id: 'agent.checks.token-answer',
    words: 'In a token answer, `typ`',
    group,
    needs,
    async run(trial, stage) {
      await directControl(trial, stage)
      await trial.all(wrongAnswers.map(([title, token]) => mustRefuse(stage, title, { token })))
    },
  },
  {
    id: 'agent.checks.expires-in',
    group,
    needs,
    async run(trial, stage) {
      await directControl(trial, stage)
      const parts = [1, 86_400, '600', -1, undefined].map(expires_in => goesByExp(stage, expires_in))
      await trial.all([...parts, showsNoEndedToken(stage)])
    },
  },
  {
    id: 'agent.refresh-to-issuer',
    group,
    needs,
    clauses: ['refresh.answer', 'agent.checks.refreshed'],
    async run(trial, stage) {
      await directControl(trial, stage)
      const first = await refreshed(trial, stage, { title: 'a second call, after the token has ended' })
      const refresh = first.asked.find(({ form }) => form['request_type'] === 'refresh')
      const secret = `refresh-${first.mark}`
      const told = first.visits.filter(({ headers, target }) => `${target}${String(headers)}`.includes(secret))
      trial.holds('the resource gets no refresh token', told.length === 0, `${told.length} requests had it`)
      const elsewhere = stage.otherAuthServer.origin.visits.some(({ body }) => body.includes(secret))
      trial.holds('no other auth server gets it', !elsewhere)
      trial.holds('the second call succeeds', first.succeeded)
      if (refresh === undefined) throw new Undecided('skipped', 'the agent asked anew, and refreshed nothing')
      trial.holds('the refresh token is the one of its issuer', refresh.form['refresh_token'] === secret)
      const other = await refreshed(trial, stage, {
        title: 'the refreshed token names another user',
        claims: { sub: 'user-2' },
      })
      const used = other.withToken.filter(visit => shownClaims(visit)?.['sub'] === 'user-2')
      trial.holds('a token of another user is not used', used.length === 0, `${used.length} requests had it`)
    },
  },
  {
    id: 'sig.replay.no-repeat',
    words: 'must not repeat a request to a token endpoint',
    group,
    needs,
    clauses: ['NON-24'],
    async run(trial, stage) {
      await directControl(trial, stage)
      const called = await refreshed(trial, stage, {
        title: 'the auth server answers the refresh of a second call with a plain 503',
        answer: { status: 503, headers: { 'retry-after': '1' }, body: '{}' },
      })
      const refreshes = called.asked.filter(({ form }) => form['request_type'] === 'refresh')
      if (refreshes.length === 0) throw new Undecided('skipped', 'the agent asked anew, and refreshed nothing')
      trial.holds('it is asked once', refreshes.length === 1, `${refreshes.length} requests came`)
    },
  },
]

function shownClaims(visit: Visit): Readonly<Record<string, unknown>> | undefined {
  return readToken(/jwt="([^"]*)"/.exec(headerValue(visit, 'signature-key') ?? '')?.[1] ?? '')?.claims
}

interface Refreshed {
  readonly title: string
  /** What the refreshed token says. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** The answer to the refresh. Default: a token. */
  readonly answer?: Reply
}

/** Calls a resource twice. The first auth token has ended at the second call. */
function refreshed(trial: Trial, stage: AgentStage, { title, claims = {}, answer }: Refreshed) {
  return flow(trial, stage, {
    title,
    again: 6000,
    token({ form }, place) {
      if (form['request_type'] !== 'refresh') return place.grant(draft => lasting(draft, 5))
      return answer ?? place.grant(draft => withClaims(() => claims)(draft, place))
    },
  })
}
