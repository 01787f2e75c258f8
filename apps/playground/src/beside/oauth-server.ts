import type { IncomingMessage, ServerResponse } from 'node:http'
import { createLocalJWKSet, jwtVerify } from 'jose'
import Provider, { errors, type GrantContext } from 'oidc-provider'
import { pageHeaders } from '../provider-page.js'
import { bodyOf } from './bodies.js'
import { accessTokenLifetime, type OAuthServerConfig, tokenExchange } from './oauth-config.js'
import { consentPage, signInPage } from './oauth-pages.js'
import type { oauthStore } from './oauth-store.js'
import type { Answer } from './traced-server.js'

interface Context {
  readonly provider: Provider
  readonly config: OAuthServerConfig
}

/**
 * An OAuth 2.1 authorization server (the npm package `oidc-provider`): PKCE for every client, exact redirect URIs, `iss` in its
 * responses, audiences by resource indicators, DPoP where a client uses it, dynamic registration, token exchange, introspection and
 * revocation.
 */
export function oauthServer(config: OAuthServerConfig, store: ReturnType<typeof oauthStore>): Answer {
  const provider = new Provider(config.issuer, providerOptions(config, store))
  provider.registerGrantType(tokenExchange, async (ctx: GrantContext) => exchange(ctx, { provider, config }), [
    'subject_token',
    'subject_token_type',
    'resource',
    'scope',
  ])
  const oauth = provider.callback()
  return async (request, response) => {
    if (request.url?.startsWith('/interaction/')) return interaction(request, response, { provider, config })
    // RFC 8414 and OpenID Connect Discovery name the same document.
    if (request.url === '/.well-known/oauth-authorization-server') request.url = '/.well-known/openid-configuration'
    return oauth(request, response)
  }
}

function providerOptions(config: OAuthServerConfig, store: ReturnType<typeof oauthStore>): object {
  const { issuer, clients, apis, users, jwks, cookieKeys } = config
  const { port } = new URL(issuer)
  const scopes = apis.flatMap(api => api.scopes)
  return {
    adapter: store,
    clients,
    jwks,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    scopes: ['openid', 'offline_access', ...scopes],
    responseTypes: ['code'],
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, name: users[id] }) }),
    claims: { openid: ['sub', 'name'] },
    conformIdTokenClaims: false,
    interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    // Browsers send the cookies of one port to all others.
    cookies: {
      keys: cookieKeys,
      names: {
        session: `oauth-session-${port}`,
        interaction: `oauth-interaction-${port}`,
        resume: `oauth-resume-${port}`,
      },
    },
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    extraTokenClaims: (ctx: GrantContext) => ctx.exchanged,
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (...[, client, token]: Owned) => token.clientId === client.clientId },
      // Only APIs ask, and only they have no redirect URI.
      introspection: { enabled: true, allowedPolicy: (...[, client]: Owned) => client.redirectUris.length === 0 },
      clientCredentials: { enabled: true },
      registration: { enabled: config.dynamicRegistration },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_: unknown, indicator: string) => audience(apis, indicator),
        useGrantedResource: async () => true,
      },
    },
    ttl: {
      ...{ Interaction: 600, Session: 3600, Grant: 3600, IdToken: 300, RefreshToken: 3600, AuthorizationCode: 60 },
      ...{ AccessToken: accessTokenLifetime, ClientCredentials: accessTokenLifetime },
    },
  }
}

/** What a policy gets: the context, the client that asks, and the token. */
type Owned = readonly [
  unknown,
  { readonly clientId: string; readonly redirectUris: readonly string[] },
  { readonly clientId: string },
]

/** The tokens for an API: JWTs (RFC 9068) with its identifier as their audience. */
function audience(apis: OAuthServerConfig['apis'], indicator: string): object {
  const api = apis.find(({ id }) => id === indicator)
  // Only APIs that an operator has registered are audiences.
  if (api === undefined) throw new errors.InvalidTarget('no API of that identifier is registered here')
  return { scope: api.scopes.join(' '), audience: api.id, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }
}

/** Token exchange (RFC 8693) within this domain: the API in the middle gets a token for the next API, which names it in `act`. */
async function exchange(ctx: GrantContext, { provider, config }: Context): Promise<void> {
  const { params, client } = ctx.oidc
  const keys = createLocalJWKSet({ keys: config.jwks.keys.map(({ d: _, ...key }: { d?: string }) => key) })
  const { payload } = await jwtVerify(String(params['subject_token']), keys, {
    issuer: config.issuer,
    typ: 'at+jwt',
    // The middle may only exchange what was meant for it: its client is named after the API.
    audience: config.apis.map(({ id }) => id).filter(id => id === client.clientId),
  }).catch(() => {
    // RFC 8693 §2.2.2
    throw new errors.InvalidRequest('the subject token is not one that this client may exchange')
  })
  const resource = String(params['resource'])
  const known = config.apis.find(({ id }) => id === resource)?.scopes ?? []
  const scope = String(params['scope'])
    .split(' ')
    .filter(name => known.includes(name))
    .join(' ')
  const token = new provider.AccessToken({
    ...{ accountId: String(payload.sub), client, gty: 'token_exchange', scope },
  })
  token.resourceServer = new provider.ResourceServer(resource, audience(config.apis, resource))
  ctx.exchanged = { act: { sub: client.clientId, act: { sub: String(payload['client_id']) } } }
  ctx.body = {
    access_token: await token.save(),
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...{ token_type: 'Bearer', expires_in: accessTokenLifetime, scope },
  }
}

/** The pages of the provider: sign-in and consent. */
async function interaction(
  request: IncomingMessage,
  response: ServerResponse,
  { provider, config }: Context,
): Promise<void> {
  const details = await provider.interactionDetails(request, response)
  const { prompt, params, session } = details
  if (request.method === 'GET') {
    for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value)
    const shown = prompt.name === 'login' ? signInPage(config.users) : consentPage(params)
    response.end(String(await shown))
    return
  }
  const form = new URLSearchParams(await bodyOf(request))
  const subject = form.get('subject')
  if (prompt.name === 'login' && subject !== null && Object.hasOwn(config.users, subject))
    return provider.interactionFinished(request, response, { login: { accountId: subject } })
  if (prompt.name === 'consent' && form.get('decision') === 'allow' && session !== undefined) {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
    grant.addOIDCScope(params.scope)
    const { missingResourceScopes = {} } = prompt.details
    for (const [indicator, scopes] of Object.entries(missingResourceScopes))
      grant.addResourceScope(indicator, scopes.join(' '))
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
  }
  const refusal = { error: 'access_denied', error_description: 'the user said no' }
  return provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false })
}
