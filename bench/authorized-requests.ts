import { generateSigningKey, type SigningKey, signRequest } from '@countersign/httpsig'
import { signToken } from '@countersign/protocol'
import type { Ready } from './http-load.js'

/** Whose token it is, and for whom. */
export interface Under {
  readonly issuer: string
  readonly issuerKey: SigningKey
  readonly audience: string
}

/** One token for all, and a new one before it ends: a run may take longer than it lives. */
export function renewedToken(
  issue: (times: { readonly iat: number; readonly exp: number }) => Promise<string>,
): () => Promise<string> {
  let token: Promise<string> | undefined
  let iat = 0
  return () => {
    const now = Math.floor(Date.now() / 1000)
    if (token === undefined || now > iat + 3000) {
      iat = now
      token = issue({ iat, exp: iat + 3600 })
    }
    return token
  }
}

/** Makes authorized requests, no two alike: one token, and a signature for each. */
export async function authorizedRequests(
  { issuer, issuerKey, audience }: Under,
  plain: Omit<Ready, 'headers'>,
): Promise<() => Promise<Ready>> {
  const key = await generateSigningKey()
  const claims = {
    iss: issuer,
    aud: audience,
    agent: 'https://agent.example',
    agent_delegate: 'laptop-7f3a',
    cnf: { jwk: key.publicJwk },
    sub: '2b1d7c3e',
    scope: 'events.read',
    jti: 'bench',
    // As auth servers issue them: each request asks whether the grant has ended.
    grant: '6b0e5f0c-6d5d-4c1e-9b1a-3f6f0c5b7a11',
  }
  const tokenNow = renewedToken(times =>
    signToken({ typ: 'auth+jwt', key: issuerKey, kid: 'k1', claims: { ...claims, ...times } }),
  )
  const { host } = new URL(audience)
  return async () => {
    const url = `${audience}${plain.path}`
    const signatureKey = { scheme: 'jwt', jwt: await tokenNow() } as const
    const signed = await signRequest({ method: 'GET', url, headers: [], key, signatureKey })
    return { ...plain, headers: { host, ...Object.fromEntries(signed) } }
  }
}
