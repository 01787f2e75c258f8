import { type IdentifierList, isIdentifier, isListed } from '@countersign/protocol'
import { checkIdentifierList } from '@countersign/protocol/internal'
import type { AAuth } from './aauth.js'

/** A user, through whatever agent or through one. Never a subject alone: two issuers may know the same one. */
export interface UserOfAgent {
  readonly iss: string
  readonly sub: string
  readonly agent?: string
}

/** Callers that are refused whatever their token says: with 403, and without a resource token that could lead them on. */
export interface DenyLists {
  /** Exact identifiers or `https://*.host`; also where one of them is in the chain that led to the request. */
  readonly agents?: readonly string[]
  /** Single instances; also in the chain. */
  readonly delegates?: ReadonlyArray<{ readonly agent: string; readonly delegate: string }>
  readonly users?: readonly UserOfAgent[]
}

/** Lists, or a function that returns `true` for a caller to refuse. */
export type Deny = DenyLists | ((aauth: AAuth) => boolean | Promise<boolean>)

/**
 * Checks lists when they are configured.
 * @throws TypeError for an entry that would never match
 */
export function checkDeny(deny: Deny, o: { readonly development: boolean }): void {
  if (typeof deny === 'function') return
  const { agents = [], delegates = [], users = [] } = deny
  checkIdentifierList(agents, o)
  for (const { agent, delegate } of delegates) {
    if (!isIdentifier(agent, o) || typeof delegate !== 'string' || delegate === '')
      throw new TypeError('delegates of deny are { agent, delegate }: an identifier, and the sub of its agent token')
  }
  checkUsers(users, o)
}

/** @throws TypeError for an entry that would never match */
export function checkUsers(users: readonly UserOfAgent[], o: { readonly development: boolean }): void {
  if (!Array.isArray(users)) throw new TypeError('users are a list of { iss, sub }')
  for (const { iss, sub, agent } of users) {
    const named = isIdentifier(iss, o) && typeof sub === 'string' && sub !== ''
    if (!named || (agent !== undefined && !isIdentifier(agent, o)))
      throw new TypeError('users are { iss, sub } or { iss, sub, agent }, with identifiers for iss and agent')
  }
}

/** Whether the user of a request, through its agent, is one of these. */
export function isUserAmong(users: readonly UserOfAgent[], { user, agent }: AAuth): boolean {
  if (user === undefined) return false
  return users.some(
    one => one.iss === user.iss && one.sub === user.sub && (one.agent === undefined || one.agent === agent),
  )
}

/** Whether one of the rules refuses a caller. */
export async function isDenied(rules: readonly Deny[], aauth: AAuth): Promise<boolean> {
  for (const deny of rules) {
    const verdict = typeof deny === 'function' ? deny(aauth) : isOnLists(deny, aauth)
    if ((await verdict) !== false) return true
  }
  return false
}

async function isOnLists({ agents = [], delegates = [], users = [] }: DenyLists, aauth: AAuth): Promise<boolean> {
  const { agent, delegate, chain } = aauth
  // A denied agent must not get in through a service that is not denied.
  const hops = [{ agent, delegate }, ...chain.map(hop => ({ agent: hop.agent, delegate: hop.agent_delegate }))]
  for (const hop of hops) {
    if (hop.agent !== undefined && (await isListed(agents, hop.agent))) return true
    if (delegates.some(one => one.agent === hop.agent && one.delegate === hop.delegate)) return true
  }
  return isUserAmong(users, aauth)
}

/** The admitted agents without the denied ones, so that not even a document of theirs is fetched. */
export function withoutDenied(agents: IdentifierList, deny: Deny | undefined): IdentifierList {
  const denied = typeof deny === 'object' ? (deny.agents ?? []) : []
  if (denied.length === 0) return agents
  return async id => !(await isListed(denied, id)) && (await isListed(agents, id))
}
