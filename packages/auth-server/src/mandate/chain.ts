import { AAuthError, type Act } from '@countersign/protocol'
import { redemptionHash } from '../request-token.js'

/** One hop of a chain: an agent, and the auth server that vouches for it. */
export interface ChainHop {
  /** The auth server. */
  readonly iss: string
  readonly agent: string
  readonly delegate?: string
}

/** `act` objects in an issued token. */
const deepest = 5

/** The hops of `act`: who asked the caller first, whoever began it last. */
export function chainOf(act: Act): ChainHop[] {
  const hops: ChainHop[] = []
  for (let hop: Act | undefined = act; hop !== undefined; hop = hop.act) {
    const { iss, agent, agent_delegate } = hop
    hops.push({ iss, agent, ...(agent_delegate === undefined ? {} : { delegate: agent_delegate }) })
  }
  return hops
}

/**
 * Checks the chain that a token would be issued with: its depth, and that no mandate goes through one party twice.
 * @throws AAuthError `access_denied`: the upstream token is in order, and is not passed on
 * @see protocol §7
 */
export function checkChain(act: Act, o: { readonly caller: string; readonly downstream: string }): void {
  const hops = chainOf(act)
  if (hops.length > deepest) {
    throw new AAuthError('access_denied', 'the chain would hold more than 5 act objects')
  }
  const all = [o.caller, o.downstream, ...hops.map(({ agent }) => agent)]
  // A circle would let a party act on a mandate that it gave itself.
  if (new Set(all).size === all.length) return
  throw new AAuthError('access_denied', 'somebody would stand twice in the chain', { cause: { chain: all } })
}

/** A name for exactly this chain: auth server, agent and delegate of every hop, in order. */
export function chainName(act: Act): string {
  return redemptionHash(chainOf(act).flatMap(({ iss, agent, delegate = '' }) => [iss, agent, delegate]))
}

/** Where a mandate began, for {@link beginningOf}: who was let in, by whom, and where. */
export interface Beginning {
  readonly iss: string
  readonly agent: string
  readonly delegate?: string
  /** The resource that the first of the chain was let into. */
  readonly resource: string
}

/** Where the mandate that `caller` would pass on began. */
export function beginningOf(act: Act, caller: string): Beginning | undefined {
  const hops = chainOf(act)
  const first = hops.at(-1)
  return first === undefined ? undefined : { ...first, resource: hops.at(-2)?.agent ?? caller }
}

/** A name for exactly this beginning. */
export function beginningName({ iss, agent, delegate = '', resource }: Beginning): string {
  return redemptionHash([iss, agent, delegate, resource])
}
