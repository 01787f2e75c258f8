import { withDeadline } from './redis-error.js'
import { linkTo } from './redis-link.js'
import { openNode, type RedisNode, type RedisScript, type ScriptRun } from './redis-node.js'
import { slotCount, slotOf } from './redis-slot.js'

/** The servers on which a script runs: one, or those of a cluster. */
export interface RedisServers {
  readonly isCluster: boolean
  /** Resolves once all that are needed are connected and prepared. */
  prepared(): Promise<void>
  /** @param used is told of each server that is asked */
  run(run: ScriptRun, used: (node: RedisNode) => void): Promise<unknown>
  close(): Promise<void>
}

/** How often a command follows the directions of nodes that do not agree yet. */
const redirections = 5
/** Milliseconds between two looks at which node has which slots. */
const pause = 200

interface Topology {
  /** The master of each slot, by its address. */
  readonly masters: readonly (string | undefined)[]
  readonly addresses: ReadonlySet<string>
}

/**
 * The nodes of a Redis Cluster. Runs go to the master of their slot, as the nodes tell it. While a node is away, only runs on its slots
 * fail; each failure has the nodes asked anew.
 * @param urls of some nodes; user, password and TLS are used for all
 * @param deadline seconds
 */
export function openCluster(urls: readonly string[], deadline: number, script: RedisScript): RedisServers {
  const nodes = new Map<string, RedisNode>()
  const masters: Array<string | undefined> = []
  let refreshing: Promise<void> | undefined
  let refreshedAt = Number.NEGATIVE_INFINITY
  let isClosed = false

  function nodeAt(address: string): RedisNode {
    const known = nodes.get(address)
    if (known !== undefined) return known
    const node = openNode(
      renewed => linkTo(urlOf(address, urls[0] ?? ''), deadline, renewed),
      script,
      ({ keys: [key = ''] }) => masters[slotOf(key)] === address,
    )
    nodes.set(address, node)
    return node
  }

  /** Asks all nodes at once: one that hangs must not delay the others' answer. */
  async function refresh(): Promise<void> {
    refreshedAt = performance.now()
    const asked = new Set([...nodes.keys(), ...urls.map(url => new URL(url).host)])
    const answers = [...asked].map(async address => {
      const node = nodeAt(address)
      return await withDeadline(deadline, topologyOf(node, address)).catch(error => {
        node.suspect()
        throw error
      })
    })
    const found = await Promise.any(answers)
    if (isClosed) return
    masters.splice(0, masters.length, ...found.masters)
    for (const [address, node] of nodes) {
      if (found.addresses.has(address)) continue
      nodes.delete(address)
      void node.close()
    }
  }

  function refreshed(): Promise<void> {
    refreshing ??= refresh().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  function refreshSoon(): void {
    if (!isClosed && performance.now() - refreshedAt > pause) refreshed().catch(() => undefined)
  }

  async function run(one: ScriptRun, used: (node: RedisNode) => void): Promise<unknown> {
    const slot = slotOf(one.keys[0] ?? '')
    let how: 'asking' | undefined
    let address = masters[slot]
    for (let tries = 0; ; tries++) {
      if (address === undefined) {
        refreshSoon()
        throw new Error('no node of the cluster has the slot')
      }
      const node = nodeAt(address)
      used(node)
      try {
        return await node.run(one, how)
      } catch (error) {
        const direction = directionOf(error, address)
        if (direction === undefined || tries === redirections) {
          refreshSoon()
          throw error
        }
        address = direction.address
        how = direction.how
        if (how === undefined) {
          masters[slot] = address
          refreshSoon()
        }
      }
    }
  }

  return {
    isCluster: true,
    async prepared() {
      await refreshed()
      const all = [...nodes].map(async ([address, node]) => {
        const preparing = node.prepared()
        // Replicas serve nothing yet; one that is away is checked when it takes over.
        await (masters.includes(address) ? preparing : Promise.race([preparing, away(deadline / 2)]))
      })
      await Promise.all(all)
    },
    run,
    async close() {
      isClosed = true
      await Promise.all([...nodes.values()].map(node => node.close()))
    },
  }
}

async function topologyOf(node: RedisNode, address: string): Promise<Topology> {
  const answer = await node.send(['CLUSTER', 'SLOTS'])
  if (!Array.isArray(answer) || answer.length === 0) throw new TypeError('the node knows of no slots')
  const masters: Array<string | undefined> = new Array(slotCount).fill(undefined)
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
function directionOf(
  error: unknown,
  asked: string,
): { readonly address: string; readonly how: 'asking' | undefined } | undefined {
  const [, word, host = '', port] =
    /^(MOVED|ASK) \d+ (.*):(\d+)$/.exec(error instanceof Error ? error.message : '') ?? []
  if (word === undefined) return undefined
  return { address: addressOf(host, Number(port), asked), how: word === 'ASK' ? 'asking' : undefined }
}

function urlOf(address: string, model: string): string {
  const url = new URL(model)
  const user = url.username === '' && url.password === '' ? '' : `${url.username}:${url.password}@`
  return `${url.protocol}//${user}${address}`
}

function away(seconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, seconds * 1000))
}
