import { withDeadline } from './error.js'
import { linkTo } from './link.js'
import { openNode, type RedisNode, type RedisScript, type ScriptRun } from './node.js'
import { slotOf } from './slot.js'
import { directionOf, type Topology, topologyOf } from './topology.js'

/** The servers on which a script runs: one, or those of a cluster. */
export interface RedisServers {
  readonly isCluster: boolean
  /** Resolves once all that are needed are connected and prepared. */
  prepared(): Promise<void>
  /** @param used is told of each server that is asked */
  run(run: ScriptRun, used: (node: RedisNode) => void): Promise<unknown>
  close(): Promise<void>
}

/** How many times the deadline a cluster may take to open: all its nodes are connected and prepared. */
export const openingDeadlines = 5

/** How often a command follows the directions of nodes that do not agree yet. */
const redirections = 5
/** Milliseconds between two looks at which node has which slots. */
const pause = 200
/** How often, once a second, a cluster is asked what became of a node that does not answer. */
const mostLooks = 300

/**
 * The nodes of a Redis Cluster. Runs go to the master of their slot, as the nodes tell it. While a node is away, only runs on its slots
 * fail; each failure has the nodes asked anew.
 * @param urls of some nodes; user, password and TLS are used for all
 * @param deadline seconds
 */
export function openCluster(urls: readonly string[], deadline: number, script: RedisScript): RedisServers {
  const nodes = createNodes(urls, deadline, script)

  async function run(one: ScriptRun, used: (node: RedisNode) => void): Promise<unknown> {
    const slot = slotOf(one.keys[0] ?? '')
    let how: 'asking' | undefined
    let address = nodes.masterOf(slot)
    for (let tries = 0; ; tries++) {
      if (address === undefined) {
        nodes.refreshSoon()
        throw new Error('no node of the cluster has the slot')
      }
      const node = nodes.at(address)
      used(node)
      try {
        return await node.run(one, how)
      } catch (error) {
        const direction = directionOf(error, address)
        if (direction?.how === undefined) nodes.refreshSoon()
        if (direction === undefined) nodes.watch(address)
        if (direction === undefined || tries === redirections) throw error
        ;({ address, how } = direction)
        if (how === undefined) nodes.move(slot, address)
      }
    }
  }

  return { isCluster: true, prepared: nodes.prepared, run, close: nodes.close }
}

interface Nodes {
  at(address: string): RedisNode
  masterOf(slot: number): string | undefined
  /** A node has said that another one has the slot now. */
  move(slot: number, address: string): void
  /** Asks which node has which slots, unless that was asked just now. */
  refreshSoon(): void
  /** A node did not answer. Until it does, or others have its slots, the cluster is asked who has them. */
  watch(address: string): void
  prepared(): Promise<void>
  close(): Promise<void>
}

function createNodes(urls: readonly string[], deadline: number, script: RedisScript): Nodes {
  // bound: the nodes of the cluster of the operator, and those of its URL; grown by the program
  const nodes = new Map<string, RedisNode>()
  const masters: Array<string | undefined> = []
  let refreshing: Promise<void> | undefined
  let refreshedAt = Number.NEGATIVE_INFINITY
  let isClosed = false

  function at(address: string): RedisNode {
    const known = nodes.get(address)
    if (known !== undefined) return known
    if (isClosed) throw new Error('the connection to the cluster is closed')
    const linked = (renewed: () => void) => linkTo(urlOf(address, urls[0] ?? ''), deadline, renewed)
    const node = openNode(linked, script, ({ keys: [key = ''] }) => masters[slotOf(key)] === address)
    nodes.set(address, node)
    return node
  }

  async function refresh(seconds: number): Promise<void> {
    refreshedAt = performance.now()
    const asked = new Set([...nodes.keys(), ...urls.map(url => new URL(url).host)])
    const found = await firstTopology([...asked], at, seconds)
    if (isClosed) return
    const before = masters.splice(0, masters.length, ...found.masters)
    // A replica that takes over is prepared at once, and not when a request first needs one of its slots.
    for (const address of gaining(before, found.masters)) at(address).renew()
    closeOthers(nodes, found.addresses)
  }

  function refreshed(seconds = deadline): Promise<void> {
    refreshing ??= refresh(seconds).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  function refreshSoon(): void {
    if (!isClosed && performance.now() - refreshedAt > pause) refreshed().catch(() => undefined)
  }

  return {
    at,
    masterOf: slot => masters[slot],
    watch: lookingAfter({
      isGone: address => isClosed || !masters.includes(address),
      ping: address => withDeadline(deadline, at(address).send(['PING'])),
      refresh: () => refreshed(),
    }),
    move(slot, address) {
      if (masters[slot] === address) return
      masters[slot] = address
      at(address).renew()
    },
    refreshSoon,
    async prepared() {
      await refreshed(deadline * openingDeadlines)
      await Promise.all(
        [...nodes].map(([address, node]) => preparedNode(node, masters.includes(address) ? undefined : deadline)),
      )
    },
    async close() {
      isClosed = true
      await Promise.all([...nodes.values()].map(node => node.close()))
    },
  }
}

interface Lost {
  /** Nothing is asked of the node any more. */
  isGone(address: string): boolean
  ping(address: string): Promise<unknown>
  refresh(): Promise<void>
}

/** Looks once a second what became of a node, until it answers or is gone. Each node is looked after once at a time. */
function lookingAfter({ isGone, ping, refresh }: Lost): (address: string) => void {
  // bound: the nodes of the cluster of the operator that are away; grown by the program
  const watched = new Set<string>()
  const look = async (address: string): Promise<void> => {
    for (let looks = 0; looks < mostLooks; looks++) {
      await away(1)
      if (isGone(address)) return
      const [answer] = await Promise.allSettled([ping(address), refresh()])
      if (answer.status === 'fulfilled') return
    }
  }
  return address => {
    if (watched.has(address)) return
    watched.add(address)
    look(address)
      .catch(() => undefined)
      .finally(() => watched.delete(address))
  }
}

/** Closes the nodes that the cluster has no more. */
function closeOthers(nodes: Map<string, RedisNode>, addresses: ReadonlySet<string>): void {
  for (const [address, node] of nodes) {
    if (addresses.has(address)) continue
    nodes.delete(address)
    void node.close()
  }
}

/** Replicas serve nothing yet; one that is away for `patience` seconds is checked when it takes over. */
async function preparedNode(node: RedisNode, patience: number | undefined): Promise<void> {
  const preparing = node.prepared()
  await (patience === undefined ? preparing : Promise.race([preparing, away(patience)]))
}

/** Asks all nodes at once: one that hangs must not delay the others' answer. */
function firstTopology(
  addresses: readonly string[],
  at: (address: string) => RedisNode,
  deadline: number,
): Promise<Topology> {
  const answers = addresses.map(async address => {
    const node = at(address)
    return await withDeadline(deadline, topologyOf(node, address)).catch(error => {
      node.suspect()
      throw error
    })
  })
  return Promise.any(answers)
}

function urlOf(address: string, model: string): string {
  const url = new URL(model)
  const user = url.username === '' && url.password === '' ? '' : `${url.username}:${url.password}@`
  return `${url.protocol}//${user}${address}`
}

/** The nodes that have slots which others had; none at the first look. */
function gaining(before: Topology['masters'], after: Topology['masters']): Set<string> {
  const others = before.length === 0 ? [] : after.filter((address, slot) => address !== before[slot])
  // bound: one call
  return new Set(others.filter(address => address !== undefined))
}

function away(seconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, seconds * 1000).unref())
}
