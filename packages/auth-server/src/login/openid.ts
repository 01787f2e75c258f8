import { AAuthError } from '@countersign/protocol'
import * as client from 'openid-client'
import type { LoginProvider, UserClaims } from './login-method.js'

/** Seconds an answer of the provider may take. */
const timeout = 10
/** Answers checked at once: each costs requests to the provider, and a stranger can send any number. */
const mostAtOnce = 64
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

/**
 * Signs users in at an OpenID provider, by authorization code with PKCE, state and nonce. A user's claims are those of the
 * ID token and the provider's userinfo endpoint. Needs the package `openid-client`.
 * @throws TypeError when `issuer` is not an https URL, or a value is empty
 * @see OpenID Connect Core 1.0 §3.1, RFC 9700
 */
export function openidConnect(options: OpenidConnectOptions): LoginProvider {
  const { id, name, clientId, scope = 'openid profile email' } = options
  const server = issuerUrl(options)
  if (clientId === '') throw new TypeError('clientId must not be empty')
  if (!scope.split(' ').includes('openid')) throw new TypeError('scope must hold openid')
  let discovered: Promise<client.Configuration> | undefined
  const configuration = (): Promise<client.Configuration> => {
    discovered ??= discover(server, options).catch(error => {
      // Asked anew at the next login: a provider that was away once is not away for good.
      discovered = undefined
      throw error
    })
    return discovered
  }

  let underWay = 0
  async function checked<T>(check: () => Promise<T>): Promise<T> {
    if (underWay >= mostAtOnce) throw away({ underWay })
    underWay++
    try {
      return await check()
    } catch (error) {
      return refuse(error)
    } finally {
      underWay--
    }
  }

  return {
    id,
    name,

    async begin({ callback, state, loginHint, switchUser }) {
      const config = await configuration().catch(error => refuse(error))
      const [nonce, code_verifier] = [client.randomNonce(), client.randomPKCECodeVerifier()]
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: callback,
        scope,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
        code_challenge_method: 'S256',
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
        // Without it the provider would sign in the same user again, without a question.
        ...(switchUser === undefined ? {} : { prompt: 'login' }),
      })
      return { url: url.href, saved: { nonce, code_verifier } }
    },

    finish: ({ url, state, saved }) =>
      checked(async () => {
        const config = await configuration()
        const tokens = await client.authorizationCodeGrant(config, new URL(url), {
          expectedState: state,
          // An empty one would mean that none is expected.
          expectedNonce: saved['nonce'] || 'none',
          pkceCodeVerifier: saved['code_verifier'] ?? '',
          idTokenExpected: true,
        })
        const idToken = tokens.claims()
        if (idToken === undefined) throw new TypeError('no ID token')
        const { iss, sub } = idToken
        const hasInfo = config.serverMetadata().userinfo_endpoint !== undefined
        const info = hasInfo ? await client.fetchUserInfo(config, tokens.access_token, sub) : {}
        return { issuer: iss, subject: sub, claims: claimsIn({ ...idToken, ...info }) }
      }),
  }
}

function issuerUrl({ issuer, dangerouslyAllowLoopbackHttp = false }: OpenidConnectOptions): URL {
  const url = new URL(issuer)
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback && dangerouslyAllowLoopbackHttp)) return url
  throw new TypeError('the issuer of an OpenID provider must be an https URL')
}

async function discover(server: URL, { clientId, clientSecret }: OpenidConnectOptions): Promise<client.Configuration> {
  const execute = [client.enableNonRepudiationChecks]
  if (server.protocol === 'http:') execute.push(client.allowInsecureRequests)
  const config = await client.discovery(server, clientId, undefined, authentication(clientSecret), { execute, timeout })
  return config
}

/** The secret travels as the provider takes it; `client_secret_basic` where its metadata do not say. */
function authentication(secret: string | undefined): client.ClientAuth {
  if (secret === undefined) return client.None()
  return (as, ...rest) => {
    const methods = as.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const isPost = !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
    return (isPost ? client.ClientSecretPost : client.ClientSecretBasic)(secret)(as, ...rest)
  }
}

/** Each claim only when it is what it should be: pages and tokens will carry it. */
function claimsIn(claims: Readonly<Record<string, unknown>>): UserClaims {
  const { name, email, email_verified } = claims
  const hasEmail = typeof email === 'string' && email.length <= longestEmail && /^[^\s@]+@[^\s@]+$/.test(email)
  return {
    ...(typeof name === 'string' && name !== '' && name.length <= longestName ? { name } : {}),
    ...(hasEmail ? { email } : {}),
    ...(hasEmail && typeof email_verified === 'boolean' ? { email_verified } : {}),
  }
}

/** What the provider said reaches logs as data, and no page. */
function refuse(error: unknown): never {
  const cause = toldBy(error)
  if (error instanceof client.AuthorizationResponseError && error.error === 'access_denied') {
    throw new AAuthError('access_denied', 'The sign-in was cancelled.', { cause })
  }
  if (isAway(error)) throw away(cause)
  throw new AAuthError('access_denied', 'The service that signs you in did not confirm who you are.', { cause })
}

function away(cause: Readonly<Record<string, unknown>>): AAuthError {
  return new AAuthError('temporarily_unavailable', 'The service that signs you in does not answer. Try again later.', {
    cause,
    retryAfter: 30,
  })
}

function isAway(error: unknown): boolean {
  if (error instanceof client.ResponseBodyError) return error.status >= 500
  if (error instanceof client.AuthorizationResponseError) {
    return error.error === 'temporarily_unavailable' || error.error === 'server_error'
  }
  if (error instanceof client.ClientError) return error.code === 'OAUTH_TIMEOUT' || isAwayCode(error)
  return error instanceof TypeError && error.message === 'fetch failed'
}

/** Discovery of a provider that answers with an error page, or not in JSON. */
function isAwayCode({ code, cause }: client.ClientError): boolean {
  return code === 'OAUTH_RESPONSE_IS_NOT_CONFORM' && cause instanceof Response && cause.status >= 500
}

/** Names and codes only: an error of the library may hold whole answers, tokens included. */
function toldBy(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return {}
  const { name, message } = error
  const code = 'code' in error ? { code: error.code } : {}
  const told = 'error' in error ? { error: error.error } : {}
  return { name, message, ...code, ...told }
}
