import { isProviderUrl, providerClient, toldBy } from '@countersign/agent/internal/provider'
import type { UserClaims } from '@countersign/auth-server'
import type { AAuthError } from '@countersign/protocol'
import { checkOptions, type OptionChecks, refusal } from '@countersign/protocol/internal'
import * as client from 'openid-client'
import type { LoginProvider } from './login-method.js'

/** Seconds an answer of the provider may take. */
const timeout = 10
/** Seconds ago that a user may have been verified, where they were to be verified anew. */
const freshFor = 60
const longestName = 200
const longestEmail = 254

/** An OpenID provider that signs users in. */
export interface OpenidConnectOptions {
  /** Stands in the URL to register with the provider, `ISSUER/login/callback/ID`: 1 to 32 of a-z, 0-9 and -. */
  readonly id: string
  /** What the button says, e.g. `Example Corp`. */
  readonly name: string
  /** The provider's issuer, e.g. `https://accounts.example`: its `/.well-known/openid-configuration` is read at the first login. */
  readonly issuer: string
  readonly clientId: string
  /** Default: none; a public client, protected by PKCE alone. */
  readonly clientSecret?: string
  /** Default `openid profile email`. */
  readonly scope?: string
  /** Lets the provider be at `http` on a loopback host. For development on one machine only. Default false. */
  readonly dangerouslyAllowLoopbackHttp?: boolean
}

const checks: OptionChecks<OpenidConnectOptions> = {
  id: 'string',
  name: 'string',
  issuer: 'string',
  clientId: 'string',
  clientSecret: 'string',
  scope: 'string',
  dangerouslyAllowLoopbackHttp: 'boolean',
}

/**
 * Signs users in at an OpenID provider, by authorization code with PKCE, state and nonce. A user's claims are those of the
 * ID token and the provider's userinfo endpoint. Needs the package `openid-client`.
 * @throws TypeError when `issuer` is not an https URL, or a value is empty
 * @see OpenID Connect Core 1.0 §3.1, RFC 9700
 */
export function openidConnect(options: OpenidConnectOptions): LoginProvider {
  checkOptions('openidConnect', options, checks, ['id', 'name', 'issuer', 'clientId'])
  const { id, name, clientId, clientSecret, scope = 'openid profile email' } = options
  const issuer = issuerUrl(options)
  if (clientId === '') throw new TypeError('clientId must not be empty')
  if (!scope.split(' ').includes('openid')) throw new TypeError('scope must hold openid')
  const { ask, configuration } = providerClient({
    issuer,
    clientId,
    timeout,
    execute: [client.enableNonRepudiationChecks],
    refusal: providerRefusal,
    busy: away,
    ...(clientSecret === undefined ? {} : { clientSecret }),
  })
  return {
    id,
    name,

    async begin({ callback, state, loginHint, switchUser, reauthenticate }) {
      const config = await configuration()
      const [nonce, code_verifier] = [client.randomNonce(), client.randomPKCECodeVerifier()]
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: callback,
        scope,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
        code_challenge_method: 'S256',
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
        // Without it the provider would sign the same user in again without asking.
        ...(switchUser === undefined && reauthenticate === undefined ? {} : { prompt: 'login' }),
        ...(reauthenticate === undefined ? {} : { max_age: '0' }),
      })
      return { url: url.href, saved: { nonce, code_verifier, ...(reauthenticate && { fresh: '1' }) } }
    },

    finish: ({ url, state, saved }) =>
      ask(async config => {
        const tokens = await client.authorizationCodeGrant(config, new URL(url), {
          expectedState: state,
          // An empty value would mean that no nonce is expected.
          expectedNonce: saved['nonce'] || 'none',
          pkceCodeVerifier: saved['code_verifier'] ?? '',
          idTokenExpected: true,
          // Then `auth_time` must be there, and recent: a provider may ignore `prompt`.
          ...(saved['fresh'] === '1' ? { maxAge: freshFor } : {}),
        })
        const idToken = tokens.claims()
        if (idToken === undefined) throw new TypeError('no ID token')
        const { iss, sub } = idToken
        const hasInfo = config.serverMetadata().userinfo_endpoint !== undefined
        const info = hasInfo ? await client.fetchUserInfo(config, tokens.access_token, sub) : {}
        const claims = claimsIn({ ...idToken, ...info })
        const { auth_time } = idToken
        const verified = saved['fresh'] === '1' && auth_time !== undefined ? { verifiedAt: auth_time } : {}
        return { issuer: iss, subject: sub, claims, ...verified }
      }),
  }
}

function issuerUrl({ issuer, dangerouslyAllowLoopbackHttp = false }: OpenidConnectOptions): URL {
  const url = new URL(issuer)
  if (isProviderUrl(url, { loopbackHttp: dangerouslyAllowLoopbackHttp })) return url
  throw new TypeError('the issuer of an OpenID provider must be an https URL')
}

/** Leaves out claims of a wrong type or length: pages and tokens will carry them. */
function claimsIn(claims: Readonly<Record<string, unknown>>): UserClaims {
  const { name, email, email_verified } = claims
  const hasEmail = typeof email === 'string' && email.length <= longestEmail && /^[^\s@]+@[^\s@]+$/.test(email)
  return {
    ...(typeof name === 'string' && name !== '' && name.length <= longestName ? { name } : {}),
    ...(hasEmail ? { email } : {}),
    ...(hasEmail && typeof email_verified === 'boolean' ? { email_verified } : {}),
  }
}

/** The provider's error goes into logs as data, never onto a page. */
function providerRefusal(error: unknown): AAuthError {
  const cause = toldBy(error)
  if (error instanceof client.AuthorizationResponseError && error.error === 'access_denied') {
    return refusal('sign_in_cancelled', { cause })
  }
  if (isAway(error)) return away(cause)
  return refusal('sign_in_failed', { cause })
}

function away(cause: Readonly<Record<string, unknown>>): AAuthError {
  return refusal('dependency_unavailable', { about: 'the sign-in', cause, retryAfter: 30 })
}

function isAway(error: unknown): boolean {
  if (error instanceof client.ResponseBodyError) return error.status >= 500
  if (error instanceof client.AuthorizationResponseError) {
    return error.error === 'temporarily_unavailable' || error.error === 'server_error'
  }
  if (error instanceof client.ClientError) return error.code === 'OAUTH_TIMEOUT' || isAwayCode(error)
  return error instanceof TypeError && error.message === 'fetch failed'
}

/** Discovery of a provider that answers with an error page. */
function isAwayCode({ code, cause }: client.ClientError): boolean {
  return code === 'OAUTH_RESPONSE_IS_NOT_CONFORM' && cause instanceof Response && cause.status >= 500
}
