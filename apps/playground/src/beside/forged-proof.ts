import { createHash } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'

interface ProofOf {
  readonly method: string
  readonly url: string
  readonly token: string
}

/** A DPoP proof for a stolen token, by a key of the thief's own. */
export async function forgedProof(proven: ProofOf): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return dpopProof(proven, await exportJWK(privateKey))
}

/** A DPoP proof by a key. */
export async function dpopProof({ method, url, token }: ProofOf, key: JWK): Promise<string> {
  const { kty, crv, x, y } = key as Required<Pick<JWK, 'kty' | 'crv' | 'x' | 'y'>>
  return new SignJWT({ htm: method, htu: url, ath: createHash('sha256').update(token).digest('base64url') })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } })
    .setIssuedAt()
    .setJti(crypto.randomUUID())
    .sign(await importJWK(key, 'ES256'))
}
