import type { RedisNode } from './node.js'
import { slotCount } from './slot.js'

/** Which nodes a Redis Cluster has, as one of them tells it. */
export interface Topology {
  /** The master of each slot, by its address. */
  readonly masters: readonly (string | undefined)[]
  readonly addresses: ReadonlySet<string>
}

/** Asks a node. @throws what the connection throws, TypeError for another answer */
export async function topologyOf(node: RedisNode, address: string): Promise<Topology> {
  const answer = await node.send(['CLUSTER', 'SLOTS'])
  if (!Array.isArray(answer) || answer.length === 0) throw new TypeError('the node knows of no slots')
  const masters: Array<string | undefined> = new Array(slotCount).fill(undefined)
  // bound: one call
  const addresses = new Set<string>()
  for (const [begin, end, ...servers] of answer as ReadonlyArray<readonly [number, number, ...unknown[][]]>) {
    const named = servers.map(([host, port]) => addressOf(String(host ?? ''), Number(port), address))
    for (const each of named) addresses.add(each)
    masters.fill(named[0], Number(begin), Number(end) + 1)
  }
  return { masters, addresses }
}

/** A node that does not know its own host is where it was asked. */
function addressOf(host: string, port: number, asked: string): string {
  const name = host === '' || host === '?' ? new URL(`redis://${asked}`).hostname : host
  return new URL(`redis://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`).host
}

/** Where `MOVED slot address` or `ASK slot address` leads. */
export function directionOf(
  error: unknown,
  asked: string,
): { readonly address: string; readonly how: 'asking' | undefined } | undefined {
  const [, word, host = '', port] =
    /^(MOVED|ASK) \d+ (.*):(\d+)$/.exec(error instanceof Error ? error.message : '') ?? []
  if (word === undefined) return undefined
  return { address: addressOf(host, Number(port), asked), how: word === 'ASK' ? 'asking' : undefined }
}
