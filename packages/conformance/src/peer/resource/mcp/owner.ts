import type { Called } from '../errands.js'

/** Who began something; nothing of an anonymous caller. */
export interface Owner {
  readonly key?: string
  readonly agent?: string | undefined
  readonly delegate?: string | undefined
  readonly user?: string | undefined
}

/** The caller of a request, as an owner. */
export function ownerOf(called: Called | undefined): Owner {
  if (called === undefined) return {}
  const { level, key, agent, delegate, claims = {} } = called.caller
  const { iss, sub } = claims
  const user = level === 'authorized' && sub !== undefined ? JSON.stringify([iss, sub]) : undefined
  return { key: key.thumbprint, agent, delegate, user }
}

/** The owner with what a request shows of them beyond; undefined of another caller. @see protocol §12 */
export function continued(owner: Owner, caller: Owner): Owner | undefined {
  // What is of all stays so: whoever came first could take it.
  if (owner.key === undefined) return owner
  const isSame =
    owner.agent === undefined
      ? owner.key === caller.key
      : owner.agent === caller.agent && owner.delegate === caller.delegate
  const isOtherUser = owner.user !== undefined && caller.user !== undefined && owner.user !== caller.user
  if (!isSame || isOtherUser) return undefined
  return { ...caller, user: caller.user ?? owner.user }
}
