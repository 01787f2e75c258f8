import type { Upstream } from '../exchange/upstream-token.js'
import { chainOf } from '../mandate/chain.js'
import type { Party } from './block-lists.js'

/** Who asks. */
interface Asking {
  readonly agent: string
  /** Empty for the agent itself. */
  readonly agent_delegate: string
}

/** The agents of a request that waits: the one that asks, and in an exchange each of the chain. */
export function agentsOf(request: Asking & { readonly upstream?: Upstream | undefined }): readonly Party[] {
  const { upstream } = request
  return [callerOf(request), ...(upstream === undefined ? [] : chainOf(upstream.act))]
}

/** The agent that asks. */
export function callerOf({ agent, agent_delegate }: Asking): Party {
  return { agent, delegate: agent_delegate === '' ? undefined : agent_delegate }
}
