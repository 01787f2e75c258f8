import { isProviderUrl, providerClient, toldBy } from '@countersign/agent/internal/provider'
import { AAuthError } from '@countersign/protocol'
import { checkOptions, eachMember, type OptionChecks, refusal } from '@countersign/protocol/internal'
import * as client from 'openid-client'
import type { OAuthApi, OAuthTokenSet } from './oauth.js'

/** Seconds an answer of the provider may take. */
const timeout = 5

/** An API behind OAuth 2.0 that a resource calls for its users. */
export interface OAuthApiOptions {
  /** Names it in the database and in events: 1 to 32 of a-z, 0-9 and -. Never change it: the tokens stored under it would be lost. */
  readonly id: string
  /** The authorization server, e.g. `https://accounts.example`; its metadata are read when they are first needed. */
  readonly issuer: string
  readonly clientId: string
  /** Default: none; a public client, protected by PKCE alone. */
  readonly clientSecret?: string
  readonly scope: string
  /** Where its access tokens may be sent: exact origins. They are bearer tokens, which work for everyone who sees them. */
  readonly origins: readonly string[]
  /** Further parameters of the authorization request, e.g. `{ prompt: 'consent' }` where a provider gives refresh tokens for it only. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Lets provider and API be at `http` on a loopback host. For development on one machine only. Default false. */
  readonly dangerouslyAllowLoopbackHttp?: boolean
}

const checks: OptionChecks<OAuthApiOptions> = {
  id: 'string',
  issuer: 'string',
  clientId: 'string',
  clientSecret: 'string',
  scope: 'string',
  origins: 'strings',
  parameters: eachMember('string'),
  dangerouslyAllowLoopbackHttp: 'boolean',
}

/**
 * Describes an API behind OAuth 2.0: authorization code with PKCE, state and issuer check. Needs the package `openid-client`.
 * @throws TypeError when a URL is not https, an origin is none, or a value is empty
 * @see protocol §7, RFC 9700
 */
export function oauthApi(options: OAuthApiOptions): OAuthApi {
  const { id, clientId, clientSecret, scope, origins } = options
  checkOptions('oauthApi', options, checks, ['id', 'issuer', 'clientId', 'scope', 'origins'])
  checkPlaces(options)
  const { ask } = providerClient({
    issuer: new URL(options.issuer),
    clientId,
    timeout,
    refusal: refused,
    busy: away,
    ...(clientSecret === undefined ? {} : { clientSecret }),
  })
  return {
    id,
    issuer: options.issuer,
    origins,
    begin: ({ redirectUri, state }) =>
      ask(async config => {
        const code_verifier = client.randomPKCECodeVerifier()
        const url = client.buildAuthorizationUrl(config, {
          ...options.parameters,
          client_id: clientId,
          redirect_uri: redirectUri,
          response_type: 'code',
          scope,
          state,
          code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
          code_challenge_method: 'S256',
        })
        return { url: url.href, saved: { code_verifier } }
      }),
    finish: ({ url, state, saved }) =>
      ask(async config => {
        const pkceCodeVerifier = saved['code_verifier'] ?? ''
        return tokenSet(
          await client.authorizationCodeGrant(config, new URL(url), { expectedState: state, pkceCodeVerifier }),
        )
      }),
    async refresh({ refresh_token }) {
      if (refresh_token === undefined) return undefined
      return ask(async config => {
        const fresh = await client.refreshTokenGrant(config, refresh_token).catch(orWorthless)
        // Where the provider rotates it there is a new one, else the old one stays.
        return fresh === undefined ? undefined : { refresh_token, ...tokenSet(fresh) }
      })
    },
    async revoke({ refresh_token, access_token }) {
      await ask(async config => {
        if (config.serverMetadata().revocation_endpoint === undefined) return
        await client.tokenRevocation(config, refresh_token ?? access_token)
      }).catch(() => undefined)
    },
  }
}

function checkPlaces({ id, issuer, clientId, scope, origins, ...options }: OAuthApiOptions): void {
  if (!/^[a-z0-9-]{1,32}$/.test(id)) throw new TypeError('id of an OAuth API must be 1 to 32 of a-z, 0-9 and -')
  if (clientId === '' || scope === '') throw new TypeError('clientId and scope must not be empty')
  if (origins.length === 0) throw new TypeError('origins must name at least one origin of the API')
  const loopbackHttp = options.dangerouslyAllowLoopbackHttp === true
  const isSafe = (url: URL): boolean => isProviderUrl(url, { loopbackHttp })
  if (!isSafe(new URL(issuer))) throw new TypeError('issuer of an OAuth API must be an https URL')
  for (const origin of origins) {
    const url = new URL(origin)
    if (url.origin !== origin || !isSafe(url))
      throw new TypeError('origins must be https origins such as https://api.example')
  }
}

function tokenSet(answer: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers): OAuthTokenSet {
  const { access_token, refresh_token, token_type } = answer
  // Anything but a bearer token would need a proof at each call, which is not made here.
  if (token_type.toLowerCase() !== 'bearer')
    throw new TypeError('the provider gives tokens of another type than Bearer')
  const seconds = answer.expiresIn()
  return {
    access_token,
    ...(refresh_token === undefined ? {} : { refresh_token }),
    ...(seconds === undefined ? {} : { expires_in: seconds }),
  }
}

/** Only `invalid_grant` ends a consent; any other error is ours or temporary. @see RFC 6749 §5.2 */
function orWorthless(error: unknown): undefined {
  if (error instanceof client.ResponseBodyError && error.error === 'invalid_grant') return undefined
  throw error
}

/** The provider's own text goes to logs as data, never to a page or a caller. */
function refused(error: unknown): AAuthError {
  const cause = toldBy(error)
  if (isAway(error)) return away(cause)
  return refusal('downstream_refused', { about: 'it refused the resource', cause })
}

function away(cause: Readonly<Record<string, unknown>>): AAuthError {
  return refusal('dependency_unavailable', { about: 'the API that the request needs', cause, retryAfter: 5 })
}

function isAway(error: unknown): boolean {
  if (error instanceof AAuthError) return error.code === 'temporarily_unavailable'
  if (error instanceof client.ResponseBodyError) return isPassing(error.status)
  if (error instanceof client.AuthorizationResponseError)
    return error.error === 'temporarily_unavailable' || error.error === 'server_error'
  if (error instanceof client.ClientError)
    return error.code === 'OAUTH_TIMEOUT' || (error.cause instanceof Response && isPassing(error.cause.status))
  return error instanceof TypeError && error.message === 'fetch failed'
}

function isPassing(status: number): boolean {
  return status === 429 || status >= 500
}
