import { isListed } from '@countersign/protocol'
import type { AAuth, DenyLists } from '@countersign/resource'

/** Whether lists refuse a caller, as they do for a route of its own. */
export async function isOnLists(lists: DenyLists, { agent, delegate, chain, user }: AAuth): Promise<boolean> {
  const { agents = [], delegates = [], users = [] } = lists
  // Whoever is blocked does not come in through a service that is not.
  const hops = [{ agent, delegate }, ...chain.map(hop => ({ agent: hop.agent, delegate: hop.agent_delegate }))]
  for (const hop of hops) {
    if (hop.agent !== undefined && (await isListed(agents, hop.agent))) return true
    if (delegates.some(one => one.agent === hop.agent && one.delegate === hop.delegate)) return true
  }
  return users.some(
    one => one.iss === user?.iss && one.sub === user.sub && (one.agent === undefined || one.agent === agent),
  )
}
