import { shareSite } from '@countersign/discovery/internal'
import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { textHash } from '@countersign/httpsig/internal'
import type { AAuth } from '@countersign/resource'

/**
 * The owner of a session: what is known of the caller that opened it. The owner may continue at a higher level; then its agent or
 * user becomes known, too. Other callers cannot enter, even if they know the id: an id proves nothing.
 */
export interface Owner {
  readonly agent?: string
  readonly delegate?: string
  readonly key?: string
  readonly user?: string
  /** For an OAuth client whose token names no user: a hash of the token. */
  readonly token?: string
}

/** The caller of a request, as the owner of a session. */
export async function ownerOf(aauth: AAuth, message: ReceivedMessage): Promise<Owner> {
  const { agent, delegate, key, user, credential } = aauth
  if (credential === 'bearer' && user === undefined)
    return { token: await textHash(headerValues(message, 'authorization').join()) }
  const owner: { -readonly [K in keyof Owner]: Owner[K] } = {}
  if (user !== undefined) owner.user = JSON.stringify([user.iss, user.sub])
  if (credential === 'bearer') return owner
  if (agent !== undefined) owner.agent = agent
  if (delegate !== undefined) owner.delegate = delegate
  // The key of an agent may change; its identifier is verified.
  if (key !== undefined && agent === undefined) owner.key = key
  return owner
}

/**
 * Compares a caller with the owner of a session.
 * @param key the key that signed the request, also for callers with an identity
 * @returns the owner with what the request adds to it; undefined for another caller
 */
export function continueOwner(owner: Owner, caller: Owner, key: string | undefined): Owner | undefined {
  // An anonymous session stays anonymous: otherwise a caller that has seen its id could take it over.
  if (!isKnown(owner)) return owner
  if (owner.token !== caller.token) return undefined
  if (owner.user !== undefined && caller.user !== undefined && owner.user !== caller.user) return undefined
  if (isBearer(owner) !== isBearer(caller)) return undefined
  if (owner.agent !== undefined)
    return owner.agent === caller.agent && owner.delegate === caller.delegate ? { ...owner, ...caller } : undefined
  if (owner.key !== undefined) return owner.key === key ? { ...owner, ...caller } : undefined
  return { ...owner, ...caller }
}

/** Whether an owner can be told from others. What an anonymous caller opened, every caller that knows the id may use. */
export function isKnown({ agent, key, user, token }: Owner): boolean {
  return [agent, key, user, token].some(known => known !== undefined)
}

/** Whether the owner is known by a bearer token only. */
function isBearer({ agent, key, user, token }: Owner): boolean {
  return agent === undefined && key === undefined && (user !== undefined || token !== undefined)
}

/** The owner that sessions are counted by: a delegate of an agent, a key, an OAuth user; all anonymous callers together. */
export function holderOf({ agent, delegate, key, user, token }: Owner): string {
  return agent === undefined
    ? JSON.stringify([key ?? null, user ?? null, token ?? null])
    : JSON.stringify([agent, delegate ?? null])
}

/**
 * The group that one party could multiply itself in: an agent can make delegates, a domain subdomains, everybody can make keys, and an
 * OAuth client gets as many tokens as it asks for.
 */
export function crowdOf(owner: Owner): string {
  if (owner.agent !== undefined) return `site ${shareSite(owner.agent)}`
  if (owner.token !== undefined) return 'tokens'
  return owner.key === undefined ? holderOf(owner) : 'keys'
}
