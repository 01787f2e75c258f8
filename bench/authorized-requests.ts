import { generateSigningKey, type SigningKey, signRequest } from '@countersign/httpsig'
import { signToken } from '@countersign/protocol'
import type { Ready } from './http-load.js'

/** Whose token it is, and for whom. */
export interface Under {
  readonly issuer: string
  readonly issuerKey: SigningKey
  readonly audience: string
}

/** Makes authorized requests, no two alike: one token, and a signature for each. */
export async function authorizedRequests(
  { issuer, issuerKey, audience }: Under,
  plain: Omit<Ready, 'headers'>,
): Promise<() => Promise<Ready>> {
  const key = await generateSigningKey()
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    ...{ iss: issuer, aud: audience, agent: 'https://agent.example', agent_delegate: 'laptop-7f3a' },
    ...{ cnf: { jwk: key.publicJwk }, sub: '2b1d7c3e', scope: 'events.read', jti: 'bench' },
    // As auth servers issue them: each request asks whether the grant has ended.
    grant: '6b0e5f0c-6d5d-4c1e-9b1a-3f6f0c5b7a11',
    ...{ iat: now, exp: now + 3600 },
  }
  const jwt = await signToken({ typ: 'auth+jwt', key: issuerKey, kid: 'k1', claims })
  const { host } = new URL(audience)
  return async () => {
    const url = `${audience}${plain.path}`
    const signed = await signRequest({ method: 'GET', url, headers: [], key, signatureKey: { scheme: 'jwt', jwt } })
    return { ...plain, headers: { host, ...Object.fromEntries(signed) } }
  }
}
