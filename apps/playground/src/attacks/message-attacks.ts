import { createHash } from 'node:crypto'
import { pathOf, queryOf } from '@countersign/httpsig/internal'
import type { Addresses } from '../addresses.js'
import type { WireRequest } from './contract.js'
import {
  always,
  changedBody,
  type MessageAttack,
  type Subject,
  withHeader,
  withLine,
  withOther,
} from './message-attack.js'

// Attacks on the message itself: what a party between agent and server could change.

const bodiless = ({ draft }: Subject): string | undefined =>
  draft.body === '' ? 'The message has no body.' : undefined

const isTokenEndpoint = ({ draft }: Subject): boolean => /^\/(?:agent|delegate)\/token$/.test(draft.target)

/** The other method that the server also serves at this path, so that nothing but the signature stands in the way. */
function otherMethod({ method, target }: Subject['draft']): string {
  if (pathOf(target) === '/events') return method === 'GET' ? 'POST' : 'GET'
  return method === 'GET' ? 'HEAD' : 'GET'
}

/** A server of the same kind. */
function otherServer(to: string, addresses: Addresses): string {
  const { calendar, rooms, authServer, roomsAuthServer, agentServer, webApp } = addresses
  const pairs: ReadonlyArray<readonly [string, string]> = [
    [authServer, roomsAuthServer],
    [agentServer, webApp],
    [calendar, rooms],
  ]
  const [one, other] = pairs.find(pair => pair.includes(to)) ?? [calendar, rooms]
  return to === one ? other : one
}

const message = { kind: 'message', onMessage: true } as const

/** Attacks that change method, target, body or a header of a signed message, or send it elsewhere. */
export const messageAttacks: readonly MessageAttack[] = [
  {
    ...message,
    name: 'change-method',
    title: 'Change the method',
    tries: 'The attacker turns the request into another one by its method alone, such as a POST into a GET.',
    reasons: ['signature_wrong', 'method_not_allowed'],
    why: ({ draft }) =>
      draft.method === 'GET' || pathOf(draft.target) === '/events'
        ? undefined
        : 'Only this method is served at this path: another one finds nothing there.',
    change: (signed, { subject }) => ({ ...signed, method: otherMethod(subject.draft) }),
  },
  {
    ...message,
    name: 'change-path',
    title: 'Change the path',
    tries: 'The attacker writes one letter of the path as a percent escape: the router finds the same route.',
    reasons: ['signature_wrong', 'path_not_plain', 'path_unknown'],
    why: ({ draft }) =>
      /^\/(?:$|\?|aauth\/)/.test(draft.target)
        ? 'This path has one spelling only: nothing is found at any other.'
        : undefined,
    change: signed => {
      const path = pathOf(signed.target)
      const escaped = `%${path
        .charCodeAt(path.length - 1)
        .toString(16)
        .toUpperCase()}`
      return { ...signed, target: path.slice(0, -1) + escaped + signed.target.slice(path.length) }
    },
  },
  {
    ...message,
    name: 'change-query',
    title: 'Change the query',
    tries: 'The attacker changes one byte of the query.',
    reasons: ['signature_wrong'],
    why: ({ draft }) => (queryOf(draft.target) === undefined ? 'The message has no query.' : undefined),
    change: signed => ({ ...signed, target: withOther(signed.target, signed.target.length - 1) }),
  },
  {
    ...message,
    name: 'add-query',
    title: 'Add a query',
    tries: 'The attacker adds a query to a request that was signed without one.',
    reasons: ['component_not_covered', 'parameters_in_url'],
    why: ({ draft }) =>
      queryOf(draft.target) === undefined ? undefined : 'The message has a query, and its signature covers it.',
    change: signed => ({ ...signed, target: `${signed.target}?all=true` }),
  },
  {
    ...message,
    name: 'change-body',
    title: 'Change a byte of the body',
    tries: 'The attacker changes one byte of the body and leaves the digest as it is.',
    reasons: ['digest_wrong'],
    why: bodiless,
    change: signed => ({ ...signed, body: changedBody(signed.body) }),
  },
  {
    ...message,
    name: 'swap-body',
    title: 'Swap the body and its digest',
    tries: 'The attacker changes the body, and writes the digest that fits the new one.',
    reasons: ['signature_wrong'],
    why: bodiless,
    change: signed => withBody(signed, changedBody(signed.body)),
  },
  {
    ...message,
    name: 'add-body',
    title: 'Put a body into a request without one',
    tries: 'The attacker adds a body to a request that was signed without one.',
    reasons: ['digest_missing', 'component_not_covered'],
    why: ({ draft }) => (draft.body === '' ? undefined : 'The message has a body.'),
    change: signed => ({ ...withLine(signed, 'content-type', 'application/json'), body: '{"admin":true}' }),
  },
  {
    ...message,
    name: 'change-header',
    title: 'Change a covered header',
    tries: 'The attacker changes the media type, so that the server reads the body as something else.',
    reasons: ['signature_wrong', 'content_type_unsupported'],
    why: bodiless,
    change: signed => withHeader(signed, 'content-type', value => `${value}; charset=utf-16`),
  },
  {
    ...message,
    name: 'drop-header',
    title: 'Drop a covered header',
    tries: 'The attacker removes a header that the signature covers.',
    reasons: ['component_missing', 'content_type_unsupported'],
    why: bodiless,
    change: signed => withHeader(signed, 'content-type', () => undefined),
  },
  {
    ...message,
    name: 'add-header',
    title: 'Add a second line of a covered header',
    tries: 'The attacker adds a second media type: one reader takes the first line, another one the last.',
    reasons: ['signature_wrong', 'content_type_unsupported'],
    why: bodiless,
    change: signed => withLine(signed, 'content-type', 'text/plain'),
  },
  {
    ...message,
    name: 'second-host',
    title: 'Smuggle a second Host',
    tries: 'The attacker adds a second Host line: a proxy routes by one of them, the server reads the other.',
    reasons: ['authority_ambiguous', 'http_malformed'],
    why: always,
    change: (signed, { addresses }) => {
      const { host } = new URL(signed.to)
      const other = new URL(signed.to === addresses.rooms ? addresses.calendar : addresses.rooms).host
      return { ...signed, headers: [['host', host], ['host', other], ...signed.headers] }
    },
  },
  {
    ...message,
    name: 'other-server',
    title: 'Send it to another server',
    tries: 'The attacker sends the captured request, as it is, to another server that serves the same path.',
    reasons: ['signature_wrong', 'issuer_untrusted', 'token_audience_wrong'],
    why: subject =>
      isTokenEndpoint(subject) || (subject.draft.method === 'GET' && pathOf(subject.draft.target) === '/whoami')
        ? undefined
        : 'No other server of the playground serves this path.',
    change: (signed, { addresses }) => ({ ...signed, to: otherServer(signed.to, addresses) }),
  },
  {
    ...message,
    name: 'replay',
    title: 'Replay it',
    tries: 'The attacker sends the same bytes a second time.',
    reasons: ['request_replayed', 'approval_used'],
    why: subject =>
      subject.draft.method === 'GET' && !isTokenEndpoint(subject)
        ? 'It changes nothing: a replay reads once more what was read. Servers remember requests that change something.'
        : undefined,
    change: (_, { twin }) => twin,
  },
]

function withBody(signed: WireRequest, body: string): WireRequest {
  const digest = createHash('sha256').update(body).digest('base64')
  return { ...withHeader(signed, 'content-digest', () => `sha-256=:${digest}:`), body }
}
