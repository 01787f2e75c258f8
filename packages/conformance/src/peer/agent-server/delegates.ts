import { randomUUID } from 'node:crypto'
import { type Issuer, signToken } from '../../signing/token.js'
import type { PublicKey } from '../shared/key.js'
import { badRequest, refusing } from '../shared/refusal.js'
import type { Limits } from './settings.js'

/** Seconds. */
export const tokenLife = 3600

/** The delegates of an agent server, and their keys. */
export interface Delegates {
  /** Binds a delegate to a key. A new one begins so; that of a session has the key of its last page. */
  bind(sub: string, key: PublicKey): void
  /** @throws Refusal where the key is not the current one of the delegate */
  checkCurrent(sub: string, key: PublicKey): void
  /** Replaces the key of a delegate. @throws Refusal */
  rotate(sub: string, old: PublicKey, next: PublicKey): void
  /** What a delegate may be used for, from now on. */
  limit(sub: string, limits: Limits): void
  /** The receivers of a token, where a request names these. @throws Refusal */
  receivers(sub: string, named: Audience): Audience
  /** Issues an agent token. */
  issue(o: { readonly sub: string; readonly key: PublicKey; readonly audience: Audience }): string
}

/** The receivers that a token is for: an identifier, or an array of them. */
export type Audience = string | readonly string[] | undefined

interface Known {
  readonly jkt: string
  /** The rotation that made this key the current one. */
  readonly rotated?: { readonly from: string; readonly at: number }
}

const oldKey = refusing(401, 'invalid_agent_token')

/** Opens the delegates of a server. */
export function openDelegates(issuer: Issuer, now: () => number): Delegates {
  const known = new Map<string, Known>()
  const limited = new Map<string, Limits>()
  const isCurrent = (sub: string, key: PublicKey): boolean => known.get(sub)?.jkt === key.thumbprint
  const alarm = (sub: string): Error => {
    console.error(`alarm: the replaced key of ${sub} was used`)
    return oldKey('key_replaced', 'the key is not the current one of the delegate')
  }
  return {
    bind: (sub, key) => void known.set(sub, { jkt: key.thumbprint }),
    checkCurrent(sub, key) {
      if (!isCurrent(sub, key)) throw alarm(sub)
    },
    rotate(sub, old, next) {
      const { jkt, rotated } = known.get(sub) ?? {}
      const isRepeat = jkt === next.thumbprint && rotated?.from === old.thumbprint && now() - rotated.at <= 60
      if (isRepeat) return
      if (!isCurrent(sub, old)) throw alarm(sub)
      known.set(sub, { jkt: next.thumbprint, rotated: { from: old.thumbprint, at: now() } })
    },
    limit: (sub, limits) => void limited.set(sub, limits),
    receivers(sub, audience) {
      const limits = limited.get(sub)
      if (limits === undefined) return audience
      const named = audience === undefined ? limits.receivers : [audience].flat()
      const isAllowed = named.every(one => one === issuer.id || limits.receivers.includes(one))
      if (!isAllowed || named.length > 32) throw badRequest('audience_not_allowed', '`aud` names another receiver')
      return [...new Set([...named, issuer.id])]
    },
    issue({ sub, key, audience }) {
      const iat = now()
      return signToken({
        header: { typ: 'agent+jwt', alg: issuer.key.alg, kid: issuer.kid },
        claims: {
          iss: issuer.id,
          sub,
          cnf: { jwk: publicMembers(key) },
          iat,
          exp: iat + tokenLife,
          jti: randomUUID(),
          aud: audience,
          delegation: limited.get(sub)?.delegation,
        },
        key: issuer.key,
      })
    },
  }
}

/** The members of a key that a token confirms: parameters that came beside them are left out. */
function publicMembers({ jwk, alg }: PublicKey): object {
  const members = ['kty', 'crv', 'x', 'y', 'n', 'e'].flatMap(name => (name in jwk ? [[name, jwk[name]]] : []))
  return { ...Object.fromEntries(members), alg }
}
