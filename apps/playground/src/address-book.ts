import type { IncomingMessage, ServerResponse } from 'node:http'
import { html } from 'hono/html'
import Provider from 'oidc-provider'
import { consentForm, pageHeaders, providerPage } from './provider-page.js'

/** Options of {@link addressBook}. */
export interface AddressBookOptions {
  /** Its own origin, which is also the issuer of its tokens. */
  readonly issuer: string
  /** The secret of the client `calendar`. */
  readonly clientSecret: string
  readonly redirectUri: string
  /** The accounts, by user name, and the entries of each. */
  readonly accounts: Readonly<Record<string, readonly Birthday[]>>
}

/** An entry of an address book. */
export interface Birthday {
  readonly name: string
  /** MM-DD. */
  readonly day: string
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * An API that does not know AAuth: it accepts bearer tokens of an OAuth provider (the npm package `oidc-provider`), whose users
 * have separate accounts.
 */
export function addressBook(options: AddressBookOptions): Handler {
  const { issuer, accounts } = options
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'calendar',
        client_secret: options.clientSecret,
        redirect_uris: [options.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    scopes: ['openid', 'offline_access', 'birthdays'],
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    cookies: { keys: [options.clientSecret] },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: () => true },
    },
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    ttl: { Interaction: 600, Session: 3600, Grant: 3600, AccessToken: 60, IdToken: 60, RefreshToken: 3600 },
  })
  const oauth = provider.callback()
  return async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (path === '/birthdays') return birthdays(request, response, { provider, accounts })
    if (path.startsWith('/interaction/')) return interaction(request, response, { provider, accounts })
    return oauth(request, response)
  }
}

interface Context {
  readonly provider: Provider
  readonly accounts: AddressBookOptions['accounts']
}

async function birthdays(
  request: IncomingMessage,
  response: ServerResponse,
  { provider, accounts }: Context,
): Promise<void> {
  const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
  const known = token === '' ? undefined : await provider.AccessToken.find(token)
  const own = known === undefined ? undefined : accounts[known.accountId]
  response.writeHead(own === undefined ? 401 : 200, {
    'content-type': 'application/json',
    ...(own === undefined ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {}),
  })
  response.end(JSON.stringify(own ?? { error: 'invalid_token' }))
}

/** The pages of the provider: sign-in and consent. */
async function interaction(
  request: IncomingMessage,
  response: ServerResponse,
  { provider, accounts }: Context,
): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response)
  if (request.method === 'GET') {
    response.writeHead(200, pageHeaders)
    const shown = prompt.name === 'login' ? signInPage(Object.keys(accounts)) : consentPage(params.client_id)
    response.end(String(await shown))
    return
  }
  const form = new URLSearchParams(await bodyOf(request))
  const subject = form.get('subject')
  if (prompt.name === 'login' && subject !== null && Object.hasOwn(accounts, subject))
    return provider.interactionFinished(request, response, { login: { accountId: subject } })
  if (prompt.name === 'consent' && form.get('decision') === 'allow' && session !== undefined) {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
    grant.addOIDCScope(params.scope)
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
  }
  const refusal = { error: 'access_denied', error_description: 'the user said no' }
  return provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false })
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  // bound: one call: 4096 characters and one piece
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > 4096) throw new RangeError('the form is too long')
  }
  return text
}

type Html = ReturnType<typeof html>

function signInPage(names: readonly string[]): Html {
  return providerPage(
    'Address book',
    'Sign in to the address book',
    html`<p>An API of its own, with accounts of its own, that knows nothing of AAuth.</p>
<form method="post">${names.map(name => html`<button name="subject" value="${name}">${name}</button>`)}</form>`,
  )
}

function consentPage(client: string): Html {
  return providerPage(
    'Address book',
    `The ${client} asks for your address book`,
    consentForm(html`<li><bdi>See the birthdays in your address book</bdi></li>`),
  )
}
