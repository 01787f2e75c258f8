import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose'

/** What a DPoP proof is about. */
export interface Proven {
  readonly method: string
  readonly url: string
  readonly token: string
  /** The thumbprint in the token. */
  readonly jkt: string
}

/** Checks DPoP proofs (RFC 9449 §4.3), each of which passes once. Throws for any that is not good. */
export function dpopCheck(): (proof: string, proven: Proven) => Promise<void> {
  /** The `jti` of proofs that passed, with the time at which each is too old anyway. */
  // bound: 1000, each for 70 s; grown by the program
  const seen = new Map<string, number>()
  return async (proof, { method, url, token, jkt }) => {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      ...{ typ: 'dpop+jwt', maxTokenAge: 60, clockTolerance: 5, requiredClaims: ['jti', 'iat', 'htm', 'htu', 'ath'] },
      algorithms: ['ES256'],
    })
    const jti = String(payload.jti)
    const fits =
      payload['htm'] === method &&
      payload['htu'] === url &&
      payload['ath'] === createHash('sha256').update(token).digest('base64url') &&
      (await calculateJwkThumbprint(protectedHeader.jwk as JWK)) === jkt
    if (!fits) throw new Error('the proof is for another request, token or key')
    for (const [known, until] of seen) if (until < Date.now()) seen.delete(known)
    if (seen.has(jti)) throw new Error('the proof was used before')
    if (seen.size >= 1000) throw new Error('too many proofs are remembered')
    seen.set(jti, Date.now() + 70_000)
  }
}
