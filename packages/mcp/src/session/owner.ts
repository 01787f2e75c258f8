import { shareSite } from '@countersign/discovery'
import { headerValues, type ReceivedMessage, textHash } from '@countersign/httpsig'
import type { AAuth } from '@countersign/resource'

/**
 * Whose a session is. Who opened it at a low level may go on at a higher one: the key that did becomes known as its agent's, the
 * agent's request as one for its user. Nobody else ever gets in: the id of a session is no secret that proves anything.
 */
export interface Owner {
  readonly agent?: string
  readonly delegate?: string
  readonly key?: string
  readonly user?: string
  /** Of a caller by OAuth whose token names no user: a hash of the token. */
  readonly token?: string
}

/** The owner that a request makes of its sender. */
export async function ownerOf(aauth: AAuth, message: ReceivedMessage): Promise<Owner> {
  const { agent, delegate, key, user, credential } = aauth
  const named = user === undefined ? {} : { user: JSON.stringify([user.iss, user.sub]) }
  if (credential === 'bearer')
    return user === undefined ? { token: await textHash(headerValues(message, 'authorization').join()) } : named
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(delegate === undefined ? {} : { delegate }),
    // Of an agent the key may change: its name is what was proven.
    ...(key === undefined || agent !== undefined ? {} : { key }),
    ...named,
  }
}

/**
 * Whether a caller is the owner, and who that is from now on.
 * @param key the key that signed, also where the caller is known by more
 * @returns nothing for anybody else
 */
export function succeeded(owner: Owner, caller: Owner, key: string | undefined): Owner | undefined {
  // Whoever has seen the id of an anonymous session could make it their own.
  if (isNobody(owner)) return owner
  if (owner.token !== caller.token) return undefined
  if (owner.user !== undefined && caller.user !== undefined && owner.user !== caller.user) return undefined
  if (isBearer(owner) !== isBearer(caller)) return undefined
  if (owner.agent !== undefined)
    return owner.agent === caller.agent && owner.delegate === caller.delegate ? { ...owner, ...caller } : undefined
  if (owner.key !== undefined) return owner.key === key ? { ...owner, ...caller } : undefined
  return { ...owner, ...caller }
}

/** Of an anonymous caller: the session is of all who know its id. */
function isNobody({ agent, key, user, token }: Owner): boolean {
  return agent === undefined && key === undefined && user === undefined && token === undefined
}

/** Known by nothing that AAuth verified. */
function isBearer({ agent, key, user, token }: Owner): boolean {
  return agent === undefined && key === undefined && (user !== undefined || token !== undefined)
}

/** What sessions are counted by: an agent's delegate, a key, a user by OAuth; all that nobody is known of together. */
export function holderOf({ agent, delegate, key, user, token }: Owner): string {
  return agent === undefined
    ? JSON.stringify([key ?? null, user ?? null, token ?? null])
    : JSON.stringify([agent, delegate ?? null])
}

/** Whom a stranger can be many of: delegates are an agent's own to make, subdomains a domain's, and keys anybody's. */
export function crowdOf(owner: Owner): string {
  if (owner.agent !== undefined) return `site ${shareSite(owner.agent)}`
  return owner.key === undefined ? holderOf(owner) : 'keys'
}
