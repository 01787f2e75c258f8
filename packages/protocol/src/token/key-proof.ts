import { type Algorithm, importVerifyKey, type PublicJwk, type SigningKey } from '@countersign/httpsig'
import { type AAuthError, type Evidence, refusal } from '../error.js'
import type { Reason } from '../reason/reason.js'
import { isSafeId, isThumbprint } from './claims.js'
import { jwsAlgorithm, jwsObject, jwsSegments, jwsSignature, maxJwsBytes } from './jws.js'
import { signJws } from './sign-jws.js'

/**
 * The claims of a key proof: a delegate's new key states that it replaces the old one.
 * @see protocol §5 "Rotation"
 */
export interface KeyProofClaims {
  /** The delegate token endpoint. */
  readonly aud: string
  /** The delegate. */
  readonly sub: string
  /** Thumbprint of the key that is replaced. */
  readonly jkt: string
  /** Unix seconds. */
  readonly iat: number
  readonly jti: string
}

/** A key proof whose shape and claims are in order. Nothing in it is proven yet. */
export interface ParsedKeyProof {
  readonly alg: Algorithm
  readonly claims: KeyProofClaims
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
}

/** Seconds before and after `iat` during which a proof is accepted. */
const proofWindow = 60
const typ = 'key-proof+jwt'

/**
 * Makes a proof for a delegate token endpoint that its sender has the new key of a rotation; valid for 60 seconds around `iat`.
 * @throws TypeError when {@link parseKeyProof} would refuse the proof
 * @see protocol §5 "Rotation"
 */
export async function signKeyProof(claims: KeyProofClaims, newKey: SigningKey): Promise<string> {
  const proof = await signJws({ typ }, JSON.stringify(checkClaims(claims)), newKey)
  if (proof.length > maxJwsBytes) throw wouldBeRefused('proof is over 6 KiB')
  return proof
}

/** Checks claims to sign. It does not parse the signed proof: a page makes proofs and never reads them. */
function checkClaims({ aud, sub, jkt, iat, jti }: KeyProofClaims): KeyProofClaims {
  const claims = { aud, sub, jkt, iat, jti }
  const wrong = wrongClaim(claims)
  if (wrong !== undefined) throw wouldBeRefused(`${wrong} of proof is wrong`)
  return claims
}

function wouldBeRefused(reason: string): TypeError {
  return new TypeError(`the proof would be refused: ${reason}`)
}

/**
 * Reads a key proof as far as that goes without the key.
 * @throws AAuthError `invalid_request`
 * @see protocol §5 "Rotation", RFC 7515 §5.2
 */
export function parseKeyProof(proof: string): ParsedKeyProof {
  const { header, payload, signature, signingInput } = jwsSegments(proof, 'proof', wrongJws)
  const members = jwsObject(header, 'the header of proof', wrongJws)
  // Otherwise any other JWS by the key could serve as a proof: an auth token it once issued, a proof for another purpose.
  if (members['typ'] !== typ) throw wrongProof('typ of proof must be key-proof+jwt')
  const alg = jwsAlgorithm(members, wrongJws)
  const claims = claimsOf(jwsObject(payload, 'the payload of proof', wrongJws))
  return { alg, claims, signingInput, signature: jwsSignature(signature, alg, 'proof', wrongJws) }
}

/**
 * Verifies that the holder of `jwk` wants it to replace the key `jkt` of the delegate `sub`.
 * @param o `jwk` the new key; `aud` the delegate token endpoint; `now` in Unix seconds.
 * @throws AAuthError `invalid_request` when the proof is malformed, outside its 60 seconds, for another rotation, or by another key
 * @throws HttpSigError `unsupported_algorithm` when `jwk` is not acceptable
 * @see protocol §5 "Rotation", §3.6
 */
// unchecked options o: all members are required, and one that is missing refuses everything
export async function verifyKeyProof(
  proof: string,
  o: {
    readonly jwk: PublicJwk
    readonly aud: string
    readonly sub: string
    readonly jkt: string
    readonly now: number
  },
): Promise<KeyProofClaims> {
  const { alg, claims, signingInput, signature } = parseKeyProof(proof)
  // Otherwise a proof for one endpoint, delegate or old key could be used for another.
  if (claims.aud !== o.aud) throw wrongProof('aud of proof must be the delegate token endpoint', { expected: o.aud })
  if (claims.sub !== o.sub) throw wrongProof('sub of proof must be the delegate of the agent token')
  if (claims.jkt !== o.jkt) throw wrongProof('jkt of proof must be the thumbprint of the key that signs the request')
  // Written so that a `now` of NaN refuses.
  if (!(Math.abs(o.now - claims.iat) <= proofWindow))
    throw wrongProof('iat of proof must be within 60 seconds of now', { now: o.now, iat: claims.iat })
  const key = await importVerifyKey(o.jwk)
  // The key decides the algorithm, and the proof must name the same.
  if (key.algorithm !== alg) throw wrongProof('alg of proof does not agree with jwk')
  if (!(await key.verify(signingInput, signature))) throw wrongProof('the signature of proof does not verify under jwk')
  return claims
}

const mustBe: Readonly<Record<keyof KeyProofClaims, string>> = {
  aud: 'a string',
  sub: 'a string of 1 to 512 bytes without controls',
  jkt: 'a SHA-256 thumbprint',
  iat: 'an integer in Unix seconds',
  jti: 'a string of 1 to 512 bytes without controls',
}

function claimsOf(payload: Readonly<Record<string, unknown>>): KeyProofClaims {
  const wrong = wrongClaim(payload)
  if (wrong !== undefined) throw wrongProof(`${wrong} of proof must be ${mustBe[wrong]}`)
  const { aud, sub, jkt, iat, jti } = payload as unknown as KeyProofClaims
  return { aud, sub, jkt, iat, jti }
}

/** The first claim with a wrong value. */
function wrongClaim(claims: { readonly [C in keyof KeyProofClaims]?: unknown }): keyof KeyProofClaims | undefined {
  const { aud, sub, jkt, iat, jti } = claims
  if (typeof aud !== 'string' || aud === '') return 'aud'
  if (!isSafeId(sub)) return 'sub'
  if (!isThumbprint(jkt)) return 'jkt'
  if (!Number.isSafeInteger(iat) || Number(iat) < 0) return 'iat'
  return isSafeId(jti) ? undefined : 'jti'
}

function wrongProof(about?: string | false, cause?: unknown): AAuthError {
  return refusal('proof_invalid', { about, cause })
}

/** A proof has one reason, whatever is wrong with it as a JWS. */
function wrongJws(_: Reason, { about, cause }: Pick<Evidence, 'about' | 'cause'> = {}): AAuthError {
  return wrongProof(about, cause)
}
