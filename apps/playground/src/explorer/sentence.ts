import { isSigned, pathOf } from '@countersign/httpsig/internal'
import type { SentExchange } from '../senders.js'
import type { MessageKind } from './contract.js'

/** Who takes part in a message, in words that can stand in a sentence: `the calendar`. */
export interface Named {
  readonly from: string
  readonly to: string
  /** The scripted user who sent it. */
  readonly person?: string | undefined
}

interface Told {
  readonly kind: MessageKind
  readonly sentence: string
}

/** What happens in a message, in one sentence. The receiver's response decides; what a request claims is told as a claim. */
export function tell(exchange: SentExchange, named: Named): Told {
  const { request, response } = exchange
  const path = pathOf(request.target)
  const known = knownPaths[path]
  const told = isDocument(path)
    ? document(path, named)
    : (known?.(exchange, named) ?? (isPage(path) ? page(exchange, named) : call(exchange, named)))
  const isRefused = response.status >= 400 && told.kind !== 'challenge'
  return { kind: isRefused ? 'refused' : told.kind, sentence: asSentences(told.sentence) }
}

/** Text whose sentences begin with a capital letter. */
export function asSentences(text: string): string {
  return text.replaceAll(/(^|[.!?] )(\p{Ll})/gu, (_, end: string, letter: string) => end + letter.toUpperCase())
}

const isDocument = (path: string): boolean => path.startsWith('/.well-known/') || path === '/jwks'

function document(path: string, { from, to }: Named): Told {
  const what = /jwks/.test(path) ? 'the public keys' : 'the metadata'
  return { kind: 'discovery', sentence: `${from} reads ${what} of ${to}.` }
}

type Teller = (exchange: SentExchange, named: Named) => Told

const knownPaths: Readonly<Record<string, Teller>> = {
  '/delegate/token': ({ request, response }, { from, to }) => {
    const isEnrolment = /"type"\s*:\s*"code"|enroll/.test(request.body)
    const sentence =
      response.status === 200
        ? isEnrolment
          ? `${from} enrols with a single-use code. ${to} gives it an agent token for its own key.`
          : `${from} renews its agent token at ${to}.`
        : `${to} gives no agent token: ${reasonOf(response.body)}.`
    return { kind: 'enrolment', sentence }
  },
  '/aauth/resource-token': (_, { from, to }) => ({
    kind: 'token',
    sentence: `${from} asks ${to} for a resource token before it calls.`,
  }),
  '/aauth/revoked-grants': ({ request }, { from, to }) => ({
    kind: 'revocation',
    sentence: isSigned(messageOf(request))
      ? `${from} tells ${to} that access has ended. From now on it is refused.`
      : `${from} calls the revocation endpoint of ${to} unsigned.`,
  }),
  '/agent/token': (exchange, named) => ({ kind: 'token', sentence: tokenSentence(exchange, named) }),
}

function tokenSentence({ request, response }: SentExchange, { from, to }: Named): string {
  const form = new URLSearchParams(request.body)
  const type = form.get('request_type')
  const answer = jsonOf(response.body)
  if (response.status !== 200) {
    const error = String(answer['error'] ?? response.status)
    if (error === 'authorization_pending') return `${from} asks whether the user has answered. Not yet.`
    return `${to} refuses to issue a token: ${reasonOf(response.body)}.`
  }
  if (answer['user_code'] !== undefined)
    return `${to} gives ${from} a short code, which the user types in on another device.`
  if (answer['request_token'] !== undefined)
    return `${to} must ask a user first. ${from} gets a link for the user’s browser.`
  switch (type) {
    case 'code':
      return `${from} redeems the code. ${to} issues an auth token that is bound to its key.`
    case 'refresh':
      return `${from} refreshes. ${to} issues a new auth token, under the key that signs today.`
    case 'exchange':
      return `${from} exchanges the token it was called with. ${to} writes the chain into the new one.`
    default:
      return `${from} shows the resource token. ${to} issues an auth token that is bound to its key.`
  }
}

/** Pages of auth servers and of the web app, which people look at. */
function isPage(path: string): boolean {
  return /^\/(?:agent\/(?:authorize|consent|link|approve)|login|link|logout|device|account|sign-in|signed-in|aauth\/(?:interact|callback)|$)/.test(
    path,
  )
}

function page({ request, response }: SentExchange, { from, to, person }: Named): Told {
  const who = person ?? from
  const path = pathOf(request.target)
  const form = new URLSearchParams(request.body)
  const decision = form.get('decision')
  const sentence =
    request.method === 'GET'
      ? response.status >= 300
        ? `${to} sends the browser of ${who} on.`
        : `${who} looks at ${pageNames.find(([begin]) => path.startsWith(begin))?.[1] ?? 'a page'} of ${to}.`
      : path.startsWith('/login')
        ? `${who} signs in at ${to}.`
        : decision !== null
          ? `${who} decides at ${to}: ${decision}.`
          : `${who} sends a form to ${to}.`
  return { kind: 'page', sentence }
}

const pageNames: ReadonlyArray<readonly [string, string]> = [
  ['/agent/consent', 'the consent page'],
  ['/agent/link', 'the page that links two accounts'],
  ['/device', 'the page for codes of devices'],
  ['/account', 'the account page'],
]

function call({ request, response }: SentExchange, { from, to }: Named): Told {
  const what = [request.method, pathOf(request.target), ...rpcIn(request.body)].join(' ')
  const how = isSigned(messageOf(request)) ? 'signed' : 'unsigned'
  const challenge = headerOf(response, 'agent-auth')
  if (challenge !== undefined)
    return {
      kind: 'challenge',
      sentence: `${from} calls ${what}, ${how}. ${to} answers ${response.status}: ${wanted(challenge)}.`,
    }
  const end = response.status >= 400 ? ` answers ${response.status}: ${reasonOf(response.body)}` : ' answers'
  return { kind: 'call', sentence: `${from} calls ${what}, ${how}. ${to}${end}.` }
}

/** What a challenge asks for, in words. */
function wanted(challenge: string): string {
  if (challenge.includes('user_interaction')) return 'a user must agree first'
  if (challenge.includes('auth-token')) return 'it wants an auth token, and signs a resource token that says for what'
  if (challenge.includes('identity')) return 'it wants to know which agent this is'
  return 'it wants a signature'
}

function rpcIn(body: string): string[] {
  const { jsonrpc, method, params } = jsonOf(body)
  const { name } = Object(params) as { readonly name?: unknown }
  return jsonrpc === '2.0' ? [method, name].filter(value => typeof value === 'string') : []
}

function jsonOf(body: string): Readonly<Record<string, unknown>> {
  if (!body.startsWith('{')) return {}
  try {
    return JSON.parse(body) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}

/** The description of an error response, or its code. */
function reasonOf(body: string): string {
  const { error, error_description: description } = jsonOf(body)
  return String(description ?? error ?? 'it says no more').replace(/\.$/, '')
}

function headerOf(
  { headers }: { readonly headers: ReadonlyArray<readonly [string, string]> },
  name: string,
): string | undefined {
  return headers.find(([known]) => known.toLowerCase() === name)?.[1]
}

function messageOf({ method, target, headers }: SentExchange['request']): {
  readonly method: string
  readonly target: string
  readonly headers: ReadonlyArray<readonly [string, string]>
} {
  return { method, target, headers }
}
