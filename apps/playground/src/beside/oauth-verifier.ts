import type { IncomingMessage } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { dpopCheck } from './dpop.js'
import type { OAuthApiConfig } from './oauth-config.js'

/** Who calls, as an access token says. */
export interface OAuthCaller {
  readonly sub: string
  readonly client: string
  readonly scopes: readonly string[]
  readonly act?: unknown
  readonly token: string
}

interface Claims {
  readonly sub?: string
  readonly client_id?: string
  readonly scope?: string
  readonly act?: unknown
  readonly cnf?: { readonly jkt?: string }
}

/**
 * Verifies the access tokens of an API. A JWT must be a JWT access token (RFC 9068) for this API; for any other token the
 * authorization server is asked (RFC 7662). Tokens that DPoP binds need a proof.
 */
export function oauthVerifier(config: OAuthApiConfig): (request: IncomingMessage) => Promise<OAuthCaller> {
  const { id, issuer } = config
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`))
  const checkProof = dpopCheck()
  const jwtChecks = {
    ...{ issuer, audience: id, typ: 'at+jwt', algorithms: ['ES256'] },
    requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
  }
  return async request => {
    const [, scheme = '', token = ''] =
      /^(Bearer|DPoP) ([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '') ?? []
    if (token === '') throw new Error('there is no access token')
    const claims: Claims =
      token.split('.').length === 3
        ? (await jwtVerify(token, keys, jwtChecks)).payload
        : await introspect(token, config)
    const { jkt } = claims.cnf ?? {}
    if (jkt !== undefined) {
      // RFC 9449 §7.1: a bound token is not accepted as a bearer token.
      if (scheme.toLowerCase() !== 'dpop') throw new Error('this token needs a DPoP proof')
      const [path = ''] = (request.url ?? '').split('?', 1)
      const proven = { method: request.method ?? '', url: id + path, token, jkt }
      await checkProof(String(request.headers['dpop'] ?? ''), proven)
    }
    const { sub = '', client_id: client = '', scope = '', act } = claims
    return { sub, client, scopes: scope.split(' '), token, ...(act === undefined ? {} : { act }) }
  }
}

async function introspect(token: string, config: OAuthApiConfig): Promise<Claims> {
  const { issuer, client_id, client_secret } = config
  const basic = Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret)}`).toString('base64')
  const response = await fetch(`${issuer}/token/introspection`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ token }),
  })
  const answer = (await response.json()) as Claims & { readonly active?: boolean; readonly aud?: string | string[] }
  if (answer.active !== true) throw new Error('the token is not active')
  // A token without an audience is good for every API of this authorization server.
  if (answer.aud !== undefined && ![answer.aud].flat().includes(config.id))
    throw new Error('the token is for another API')
  return answer
}
