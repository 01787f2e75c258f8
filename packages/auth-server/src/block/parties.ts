import { upstreamOf } from '../exchange/upstream-token.js'
import { chainOf } from '../mandate/chain.js'
import type { RequestRow } from '../tables/tables.js'
import type { Party } from './block-lists.js'

/** The agents of a request that waits: the one that asks, and in an exchange each of the chain. */
export function agentsOf(row: Pick<RequestRow, 'agent' | 'agent_delegate' | 'upstream'>): readonly Party[] {
  const upstream = upstreamOf(row)
  const chain = upstream === undefined ? [] : chainOf(upstream.act)
  return [callerOf(row), ...chain]
}

/** The agent that asks. */
export function callerOf({ agent, agent_delegate }: Pick<RequestRow, 'agent' | 'agent_delegate'>): Party {
  return { agent, delegate: agent_delegate === '' ? undefined : agent_delegate }
}
