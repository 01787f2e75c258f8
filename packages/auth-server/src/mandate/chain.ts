import type { Act } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { redemptionHash } from '../secret/request-token.js'

/** One hop of a chain: an agent, and the auth server that vouches for it. */
export interface ChainHop {
  /** The auth server. */
  readonly iss: string
  readonly agent: string
  readonly delegate?: string
}

/** `act` objects in an issued token. */
const deepest = 5

/** The hops of `act`, nearest first: the agent that called the caller first, the agent that began the chain last. */
export function chainOf(act: Act): ChainHop[] {
  const hops: ChainHop[] = []
  for (let hop: Act | undefined = act; hop !== undefined; hop = hop.act) {
    const { iss, agent, agent_delegate } = hop
    hops.push({ iss, agent, ...(agent_delegate === undefined ? {} : { delegate: agent_delegate }) })
  }
  return hops
}

/**
 * Checks the chain that a token would be issued with: its depth, and that no party stands in it twice.
 * @throws AAuthError `access_denied`: the upstream token is valid, but is not exchanged
 * @see protocol §7
 */
export function checkChain(act: Act, o: { readonly caller: string; readonly downstream: string }): void {
  const hops = chainOf(act)
  if (hops.length > deepest) {
    throw refusal('chain_too_deep')
  }
  const all = [o.caller, o.downstream, ...hops.map(({ agent }) => agent)]
  // In a circle, a party could act on rights that it gave itself.
  if (new Set(all).size === all.length) return
  throw refusal('chain_repeats_party', { cause: { chain: all } })
}

/** A name for exactly this chain: auth server, agent and delegate of every hop, in order. */
export function chainName(act: Act): string {
  return redemptionHash(chainOf(act).flatMap(({ iss, agent, delegate = '' }) => [iss, agent, delegate]))
}

/** The grant that a chain began with: an agent, its auth server, and the resource. */
export interface Beginning {
  readonly iss: string
  readonly agent: string
  readonly delegate?: string
  /** The resource that the first agent of the chain called. */
  readonly resource: string
}

/** Where the chain began that `caller` would continue. */
export function beginningOf(act: Act, caller: string): Beginning | undefined {
  const hops = chainOf(act)
  const first = hops.at(-1)
  return first === undefined ? undefined : { ...first, resource: hops.at(-2)?.agent ?? caller }
}

/** A name for exactly this beginning. */
export function beginningName({ iss, agent, delegate = '', resource }: Beginning): string {
  return redemptionHash([iss, agent, delegate, resource])
}
