import { isDeepStrictEqual } from 'node:util'
import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { tokenJson } from '../participants/desk.js'
import type { Reply } from '../participants/origin.js'
import { verifies } from '../participants/received.js'
import { signDraft } from '../signing/draft.js'
import { headerValue } from '../wire/message.js'
import { keysAt, openMiddle, upstream } from './middle.js'
import { byPublishedKey, draftFor, pseudonym, type ResourceStage, specialRoute } from './stage.js'

const group = 'middle'
const needs = ['calls', 'loopback']

const says = (status: number, error: string): Reply =>
  tokenJson({ error, reason: error, error_description: 'a test' }, status)

/** What the auth server answers, and what the caller of the middle must get. */
const answers: ReadonlyArray<readonly [title: string, reply: Reply, refusal: Refusal]> = [
  [
    'the upstream token was refused',
    says(400, 'invalid_auth_token'),
    { status: 401, error: 'invalid_auth_token', challenge: ['identity'] },
  ],
  ['the auth server said no', says(403, 'access_denied'), { status: 403, challenge: 'none' }],
  ['the auth server refuses the middle', says(401, 'invalid_signature'), { status: 503 }],
  ['the auth server has a limit', says(429, 'rate_limited'), { status: 503 }],
  ['the auth server is broken', says(500, 'server_error'), { status: 503 }],
]

/** A resource that calls another for its caller. @see protocol §7 */
export const middleCases: readonly Case<ResourceStage>[] = [
  {
    id: 'exchange.own-key',
    words: 'must sign with its own key',
    group,
    needs,
    clauses: ['participant.also-agent'],
    async run(trial, stage) {
      const middle = await openMiddle(trial, stage)
      const caller = upstream(stage)
      await trial.control('a request whose handler calls another resource', () => caller.request())
      trial.holds('it publishes aauth-agent', middle.metadata['agent'] === stage.id, String(middle.metadata['agent']))
      const { jwks_uri: jwks } = stage.metadata ?? {}
      const isSame = jwks === undefined || isDeepStrictEqual(await keysAt(trial, stage, jwks), middle.keys)
      trial.holds('its keys are those of the resource', isSame)
      trial.holds('it has redirect_uris', Array.isArray(middle.metadata['redirect_uris']))
      const [exchange] = middle.exchanges
      trial.holds('the auth server is asked', exchange !== undefined)
      if (exchange === undefined) return
      const { form } = exchange
      trial.holds('request_type is exchange', form['request_type'] === 'exchange', form['request_type'])
      trial.holds('upstream_token is the token of the caller', form['upstream_token'] === caller.token)
      const agent = exchange.caller?.agent
      trial.holds(
        'it is signed by a key that it publishes',
        agent !== undefined && exchange.caller?.found.scheme === 'jwks_uri',
      )
      trial.holds(
        'the signature verifies',
        agent !== undefined && exchange.caller !== undefined && verifies(exchange.caller.found, agent.jwk),
      )
      const told = middle.visits.filter(({ headers }) => headers.some(([, value]) => value.includes(caller.token)))
      trial.holds('the other resource never sees that token', told.length === 0, `${told.length} requests had it`)
    },
  },
  {
    id: 'exchange.cached',
    group,
    needs,
    clauses: ['EXC-30'],
    async run(trial, stage) {
      const middle = await openMiddle(trial, stage)
      const [one, other] = [
        upstream(stage, { sub: 'user-of-two-tokens' }),
        upstream(stage, { sub: 'user-of-two-tokens' }),
      ]
      await trial.control('a request of a user', () => one.request())
      await trial.accepted('the same user, by another token', () => other.request())
      const used = middle.exchanges.map(({ form }) => form['upstream_token'])
      trial.holds('what one token gave is not used for another', used.includes(other.token))
      await trial.accepted('the first token again', () => one.request())
      const asked = middle.exchanges.filter(({ form }) => form['upstream_token'] === one.token).length
      trial.should('what it gave is kept', asked === 1, `it was exchanged ${asked} times`)
    },
  },
  {
    id: 'exchange.answers',
    group,
    needs,
    async run(trial, stage) {
      await openMiddle(trial, stage)
      await trial.control('a request whose handler calls another resource', () => upstream(stage).request())
      for (const [title, reply, refusal] of answers) {
        await openMiddle(trial, stage, { exchange: () => reply })
        await trial.refused(title, upstream(stage).request(), refusal)
      }
      await openMiddle(trial, stage)
      stage.downstream.origin.answer('/', () => Promise.reject(new Error('the connection ends')))
      await trial.refused('the other resource is away', upstream(stage).request(), { status: 503, challenge: 'none' })
      await openMiddle(trial, stage)
      stage.downstream.origin.answer('/', () => ({
        status: 401,
        headers: { 'agent-auth': 'httpsig; auth-token; resource_token="x"; auth_server="https://other.example"' },
        body: '{}',
      }))
      await trial.refused('an auth server that it does not accept is named', upstream(stage).request(), {
        status: 403,
        challenge: 'none',
      })
    },
  },
  {
    id: 'sig.replay.handed-on',
    words: 'A party that has handed a request on must never send that pair',
    group,
    needs,
    async run(trial, stage) {
      await openMiddle(trial, stage)
      await trial.control('a request whose handler calls another resource', () => upstream(stage).request())
      const headers = { 'agent-auth': 'httpsig', 'retry-after': '1' }
      await openMiddle(trial, stage, { answer: () => ({ status: 503, headers, body: '' }) })
      const { response } = await trial.sent('the other resource has just started', upstream(stage).request())
      const value = response === undefined ? undefined : headerValue(response, 'agent-auth')
      trial.holds('the answer has no Agent-Auth', response !== undefined && value === undefined, String(value))
    },
  },
  {
    id: 'interaction.challenge',
    group,
    needs,
    clauses: ['error.interaction-required'],
    async run(trial, stage) {
      await openMiddle(trial, stage)
      await trial.control('a request whose handler calls another resource', () => upstream(stage).request())
      await openMiddle(trial, stage, { exchange: () => tokenJson({ request_token: 'request-1', expires_in: 600 }) })
      const response = await trial.refused('the auth server must ask a user', upstream(stage).request(), {
        status: 401,
        error: 'interaction_required',
        challenge: ['httpsig', 'user_interaction="'],
      })
      const header = String(response?.headers.find(([name]) => name.toLowerCase() === 'agent-auth')?.[1])
      const url = /user_interaction="([^"]*)"/.exec(header)?.[1] ?? ''
      trial.holds('user_interaction is on its own origin', URL.canParse(url) && new URL(url).origin === stage.id, url)
    },
  },
  {
    id: 'INT-15',
    group,
    needs,
    clauses: ['challenge.user-interaction'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'calls', { level: 'authorized', method: 'GET' })
      await openMiddle(trial, stage)
      await trial.control('a request whose handler calls another resource', () => upstream(stage).request())
      const middle = await openMiddle(trial, stage, {
        exchange: () => tokenJson({ request_token: 'request-1', expires_in: 600 }),
      })
      for (const [title, caller, challenge] of [
        ['a pseudonym', pseudonym(), 'identity'],
        ['an agent without an auth token', byPublishedKey(stage.agent), 'auth-token'],
      ] as const) {
        const response = await trial.refused(title, () => signDraft(draftFor(stage, route, caller)), {
          status: 401,
          challenge: [challenge],
        })
        const asked = response?.headers.some(([, value]) => value.includes('user_interaction'))
        trial.holds(`${title} is sent to no page`, asked === false)
      }
      trial.holds('nothing is exchanged for them', middle.exchanges.length === 0)
    },
  },
]
