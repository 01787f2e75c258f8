import { isAmong } from '@countersign/protocol/internal'
import type { BlockRow } from '../tables/block-tables.js'
import type { DenyLists } from './deny.js'

/** An agent or one of its delegates. */
export interface Party {
  readonly agent: string
  readonly delegate?: string | undefined
}

/** Who is blocked, to be asked for each request. */
export interface BlockLists {
  isPartyBlocked(party: Party): boolean
  isUserBlocked(sub: string): boolean
}

/** Puts the lists of the configuration and the blocks of operators together. */
export function blockLists(
  { agents = [], delegates = [], sites = [], users = [] }: DenyLists,
  rows: readonly BlockRow[],
): BlockLists {
  const namesOf = (kind: BlockRow['kind']): string[] => rows.filter(row => row.kind === kind).map(({ name }) => name)
  const blocked = {
    // bound: fixed
    agents: new Set(namesOf('agent')),
    // bound: fixed
    sites: new Set([...sites, ...namesOf('site')]),
    // bound: fixed
    users: new Set([...users, ...namesOf('user')]),
    // bound: fixed
    delegates: new Set([
      ...delegates.map(one => keyOf(one.agent, one.delegate)),
      ...rows.filter(({ kind }) => kind === 'delegate').map(row => keyOf(row.name, row.agent_delegate)),
    ]),
  }
  return {
    isPartyBlocked: ({ agent, delegate }) =>
      blocked.agents.has(agent) ||
      (delegate !== undefined && blocked.delegates.has(keyOf(agent, delegate))) ||
      (blocked.sites.size > 0 && isOfSite(agent, blocked.sites)) ||
      isAmong(agents, agent),
    isUserBlocked: sub => blocked.users.has(sub),
  }
}

/** Identifiers hold no space. */
function keyOf(agent: string, delegate: string): string {
  return `${agent} ${delegate}`
}

/** Whether the host of an agent is one of these domains, or below one. */
export function isOfSite(agent: string, sites: ReadonlySet<string>): boolean {
  const { hostname } = new URL(agent)
  for (let at = 0; at !== -1; ) {
    if (sites.has(hostname.slice(at))) return true
    const dot = hostname.indexOf('.', at)
    at = dot === -1 ? -1 : dot + 1
  }
  return false
}
