import {
  type Algorithm,
  type CurvePublicJwk,
  importVerifyKey,
  type PublicJwk,
  type VerifyKey,
} from '@countersign/httpsig'
import { base64url, exportJWK, generateKeyPair, importJWK } from 'jose'
import type { AgentTokenClaims, AuthTokenClaims, ResourceTokenClaims } from '../index.js'

/** An issuer that shares no code with ours: keys and signatures by jose and WebCrypto alone. */
export interface JoseIssuer {
  readonly jwk: PublicJwk
  readonly key: VerifyKey
  /** Signs whatever stands in the two texts, well-formed or not. */
  raw(header: string | Uint8Array, payload: string | Uint8Array): Promise<string>
  issue(header: object, payload: object): Promise<string>
}

const algorithms = {
  Ed25519: { name: 'Ed25519' },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  PS512: { name: 'RSA-PSS', saltLength: 64 },
} as const

export async function joseIssuer(alg: Algorithm = 'Ed25519'): Promise<JoseIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), alg } as PublicJwk
  const raw: JoseIssuer['raw'] = async (header, payload) => {
    const input = `${base64url.encode(header)}.${base64url.encode(payload)}`
    const signature = await crypto.subtle.sign(algorithms[alg], privateKey, new TextEncoder().encode(input))
    return `${input}.${base64url.encode(new Uint8Array(signature))}`
  }
  const issue: JoseIssuer['issue'] = (header, payload) => raw(JSON.stringify(header), JSON.stringify(payload))
  return { jwk, key: await importVerifyKey(jwk), raw, issue }
}

/** The key of RFC 8037 appendix A, and the thumbprint given there. */
export const rfc8037: { readonly jwk: CurvePublicJwk; readonly thumbprint: string } = {
  jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', alg: 'Ed25519' },
  thumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
}

/** jose's reading of a public key, to verify with what is not ours. */
export function joseKey(jwk: PublicJwk): ReturnType<typeof importJWK> {
  return importJWK({ ...jwk })
}

export const now = 1_800_000_000

/** One good token of each type: header, claims, who reads it, and the code of its refusal. */
export const good: {
  readonly 'agent+jwt': AgentTokenClaims
  readonly 'resource+jwt': ResourceTokenClaims
  readonly 'auth+jwt': AuthTokenClaims
} = {
  'agent+jwt': {
    iss: 'https://agent.example',
    sub: 'delegate-1',
    cnf: { jwk: rfc8037.jwk },
    iat: now,
    exp: now + 3600,
    jti: 'jti-1',
  },
  'resource+jwt': {
    iss: 'https://resource.example',
    aud: 'https://auth.example',
    agent: 'https://agent.example',
    agent_delegate: 'delegate-1',
    agent_jkt: rfc8037.thumbprint,
    scope: 'events.read events.write',
    iat: now,
    exp: now + 300,
    jti: 'jti-2',
  },
  'auth+jwt': {
    iss: 'https://auth.example',
    aud: 'https://resource.example',
    agent: 'https://agent.example',
    agent_delegate: 'delegate-1',
    cnf: { jwk: rfc8037.jwk },
    sub: 'user-1',
    scope: 'events.read',
    iat: now,
    exp: now + 600,
    jti: 'jti-3',
  },
}
