import { pathOf } from '@countersign/httpsig/internal'
import type { SentExchange } from '../senders.js'
import type { MessageKind } from './contract.js'
import { asSentences, type Named } from './sentence.js'

interface Told {
  readonly kind: MessageKind
  readonly sentence: string
}

/** What happens in a message of the OAuth world, in one sentence. */
export function tellOAuth(exchange: SentExchange, named: Named): Told {
  const { request, response } = exchange
  const path = pathOf(request.target)
  const [, teller] = tellers.find(([known]) => path === known || (known.endsWith('/') && path.startsWith(known))) ?? []
  const told = (teller ?? call)(exchange, named)
  const isRefused = response.status >= 400 && told.kind !== 'challenge'
  return { kind: isRefused ? 'refused' : told.kind, sentence: asSentences(told.sentence) }
}

type Teller = (exchange: SentExchange, named: Named) => Told

const tellers: ReadonlyArray<readonly [path: string, teller: Teller]> = [
  ['/.well-known/', (_, { from, to }) => ({ kind: 'discovery', sentence: `${from} reads the metadata of ${to}.` })],
  ['/jwks', (_, { from, to }) => ({ kind: 'discovery', sentence: `${from} reads the public keys of ${to}.` })],
  [
    '/reg',
    ({ response }, { from, to }) => ({
      kind: 'enrolment',
      sentence: `${from} registers itself at ${to}, which answers ${response.status}${response.status === 201 ? ' with a client id and a secret' : ''}.`,
    }),
  ],
  ['/token', token],
  [
    '/token/introspection',
    ({ response }, { from, to }) => ({
      kind: 'token',
      sentence: `${from} asks ${to} whether a token is valid. It ${/"active":true/.test(response.body) ? 'is' : 'is not'}.`,
    }),
  ],
  ['/token/revocation', (_, { from, to }) => ({ kind: 'revocation', sentence: `${from} revokes a token at ${to}.` })],
  ['/auth', page],
  ['/auth/', page],
  ['/interaction/', page],
]

function token({ request, response }: SentExchange, { from, to }: Named): Told {
  const type = new URLSearchParams(request.body).get('grant_type') ?? ''
  if (response.status !== 200)
    return { kind: 'token', sentence: `${to} issues no token to ${from}: ${reasonOf(response.body)}.` }
  const what = grants[type] ?? 'asks for a token'
  const bound = /"token_type":"DPoP"/.test(response.body) ? ', bound to its key' : ''
  return { kind: 'token', sentence: `${from} ${what}. ${to} issues an access token${bound}.` }
}

const grants: Readonly<Record<string, string>> = {
  authorization_code: 'redeems the code, with its PKCE verifier',
  refresh_token: 'refreshes',
  client_credentials: 'asks in its own name',
  'urn:ietf:params:oauth:grant-type:token-exchange': 'exchanges the token it was called with',
}

function page({ request, response }: SentExchange, { from, to, person }: Named): Told {
  const who = person ?? from
  const form = new URLSearchParams(request.body)
  const sentence = form.has('subject')
    ? `${who} signs in at ${to}.`
    : form.has('decision')
      ? `${who} decides at ${to}: ${form.get('decision')}.`
      : response.status >= 400
        ? `${to} refuses to begin: ${response.status}.`
        : response.status >= 300
          ? `${to} sends the browser of ${who} on.`
          : `${who} looks at a page of ${to}.`
  return { kind: 'page', sentence }
}

function call({ request, response }: SentExchange, { from, to }: Named): Told {
  const [scheme = ''] = (headerOf(request.headers, 'authorization') ?? '').split(' ')
  const how =
    scheme === '' ? 'without a token' : scheme === 'DPoP' ? 'with a bound token and a proof' : 'with a bearer token'
  const what = `${from} calls ${request.method} ${pathOf(request.target)}, ${how}.`
  if (response.status < 400) return { kind: 'call', sentence: `${what} ${to} answers.` }
  const kind = scheme === '' ? 'challenge' : 'call'
  return { kind, sentence: `${what} ${to} answers ${response.status}: ${reasonOf(response.body)}.` }
}

function headerOf(headers: ReadonlyArray<readonly [string, string]>, name: string): string | undefined {
  return headers.find(([known]) => known.toLowerCase() === name)?.[1]
}

/** The description of an error response, or its code. */
function reasonOf(body: string): string {
  try {
    const { error, error_description: description } = JSON.parse(body) as Readonly<Record<string, unknown>>
    return String(description ?? error ?? 'it says no more').replace(/\.$/, '')
  } catch {
    return 'it says no more'
  }
}
