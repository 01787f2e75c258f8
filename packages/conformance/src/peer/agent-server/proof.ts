import type { JsonObject } from '../shared/json.js'
import { type PublicKey, readKey } from '../shared/key.js'
import { badRequest } from '../shared/refusal.js'
import { readJws } from '../shared/token.js'

/** What a proof must name. */
interface Rotation {
  /** The endpoint. */
  readonly url: string
  readonly sub: string
  /** The key that is replaced. */
  readonly old: PublicKey
  readonly now: () => number
}

const wrong = (what: string) => badRequest('proof_wrong', `${what} of the proof is wrong`)

/** Reads the new key of a rotation, which has signed the proof. @see protocol §5 @throws Refusal */
export function checkProof({ jwk, proof }: JsonObject, o: Rotation): PublicKey {
  const next = readKey(jwk)
  const { header, claims, input, signature } = readJws(String(proof), badRequest)
  if (header['typ'] !== 'key-proof+jwt') throw wrong('`typ`')
  if (header['alg'] !== next.alg) throw wrong('`alg`')
  if ('crit' in header || 'b64' in header) throw wrong('`crit` or `b64`')
  if (!next.verifies(input, signature)) throw wrong('the signature')
  const { aud, sub, jkt, iat, jti } = claims
  if (aud !== o.url) throw wrong('`aud`')
  if (sub !== o.sub) throw wrong('`sub`')
  if (jkt !== o.old.thumbprint) throw wrong('`jkt`')
  if (typeof iat !== 'number' || Math.abs(iat - o.now()) > 60) throw wrong('`iat`')
  if (typeof jti !== 'string') throw wrong('`jti`')
  return next
}
