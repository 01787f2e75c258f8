import { Unreachable } from './unreachable.js'

/** One fetch that needs a slot. */
export interface SlotRequest {
  /** The shares that it takes, see {@link sharesOf}. */
  readonly shares: readonly Share[]
  /** Called once, when the request gets its slot: during `acquire` or later. */
  start(): void
}

/** Bounds how many fetches run at the same time and how many wait. */
export interface Slots {
  /** Starts the request or lets it wait. @throws Unreachable when too many wait already, in all or in one of its shares */
  acquire(request: SlotRequest): void
  /** Gives back the request's slot or its place in the queue; nothing happens when it has neither. */
  release(request: SlotRequest): void
}

/** Whose shares a fetch takes. */
export interface FetchShares {
  /** The origin that is fetched from. */
  readonly origin: string
  /** The site of the participant; undefined in development, where all participants are on one machine. */
  readonly site?: string | undefined
  /** The network of the caller that caused the fetch, if known. */
  readonly network?: string | undefined
}

/** A part of the slots and of the queue, and who it is for. */
interface Share {
  readonly kind: 'origin' | 'site' | 'ports' | 'network'
  readonly name: string
}

/**
 * The shares that a fetch takes. Identifiers with a port take a `ports` share as well, which is half of their site's: any host has
 * ports whose packets a firewall drops, and a stranger who names those must not use up all slots for the host itself.
 */
export function sharesOf({ origin, site, network }: FetchShares): readonly Share[] {
  const shares: Share[] = [{ kind: 'origin', name: `origin ${origin}` }]
  if (site !== undefined) shares.push({ kind: 'site', name: `site ${site}` })
  if (site !== undefined && new URL(origin).port !== '') shares.push({ kind: 'ports', name: `ports ${site}` })
  if (network !== undefined) shares.push({ kind: 'network', name: `network ${network}` })
  return shares
}

interface Load {
  running: number
  waiting: number
}

/**
 * Strangers choose which hosts are fetched from, and a host that never answers holds its slot until the deadline. So no site and no
 * network of callers gets more than a tenth of the slots and of the queue, and the last tenth of the slots is for sites and networks
 * that hold none: a domain with any number of names delays only itself (DOS-20). A single origin gets at most an eighth of the slots
 * and half of the queue.
 *
 * `hasShare` of `@countersign/httpsig` does not fit: a share of these few slots is at least two, and a fetch takes several shares.
 * @throws RangeError when `maxConcurrent` is not a positive whole number
 */
export function createSlots(maxConcurrent: number): Slots {
  if (!Number.isSafeInteger(maxConcurrent) || maxConcurrent < 1)
    throw new RangeError('maxConcurrent must be a positive whole number')
  return new SharedSlots(maxConcurrent)
}

/** How much one share may have, by its kind. */
type Bounds = Readonly<Record<Share['kind'], number>>

const tenth = (of: number): number => Math.max(2, Math.floor(of / 10))

class SharedSlots implements Slots {
  readonly #maxConcurrent: number
  readonly #maxWaiting: number
  readonly #maxRunningOf: Bounds
  readonly #maxWaitingOf: Bounds
  // bound: maxConcurrent, 64; bytes: small; grown by a stranger; shared: a tenth for a site, a tenth for a network of
  // callers; filled by discovery.shares.test.ts "one site gets six"
  readonly #running = new Set<SlotRequest>()
  // bound: 4 × maxConcurrent; bytes: small; grown by a stranger; shared: a tenth for a site, a tenth for a network of
  // callers; filled by discovery.flood.test.ts "maxConcurrent fetches run, four times as many wait"
  readonly #waiting = new Set<SlotRequest>()
  // bound: 4 shares of each fetch that runs or waits; bytes: small; grown by a stranger; shared: as the slots; filled
  // by discovery.shares.test.ts "60 names a second"
  readonly #loads = new Map<string, Load>()

  constructor(maxConcurrent: number) {
    this.#maxConcurrent = maxConcurrent
    this.#maxWaiting = 4 * maxConcurrent
    const [running, waiting] = [tenth(maxConcurrent), tenth(this.#maxWaiting)]
    const origin = Math.max(1, Math.floor(maxConcurrent / 8))
    this.#maxRunningOf = { origin, site: running, ports: Math.floor(running / 2), network: running }
    const ports = Math.floor(waiting / 2)
    this.#maxWaitingOf = { origin: 2 * maxConcurrent, site: waiting, ports, network: waiting }
  }

  acquire(request: SlotRequest): void {
    if (this.#hasRoomFor(request)) {
      this.#start(request)
      return
    }
    const isOver = (share: Share): boolean => this.#loadOf(share).waiting >= this.#maxWaitingOf[share.kind]
    if (this.#waiting.size >= this.#maxWaiting || request.shares.some(isOver))
      throw new Unreachable('too many fetches wait already')
    this.#waiting.add(request)
    this.#count(request, { waiting: 1 })
  }

  release(request: SlotRequest): void {
    this.#remove(request)
    for (const next of this.#waiting) {
      if (this.#running.size >= this.#maxConcurrent) return
      if (!this.#hasRoomFor(next)) continue
      this.#remove(next)
      this.#start(next)
    }
  }

  #loadOf({ name }: Share): Load {
    return this.#loads.get(name) ?? { running: 0, waiting: 0 }
  }

  #count(request: SlotRequest, change: Partial<Load>): void {
    for (const share of request.shares) {
      const load = this.#loadOf(share)
      const next = { running: load.running + (change.running ?? 0), waiting: load.waiting + (change.waiting ?? 0) }
      if (next.running + next.waiting === 0) this.#loads.delete(share.name)
      else this.#loads.set(share.name, next)
    }
  }

  #hasRoomFor({ shares }: SlotRequest): boolean {
    const isOver = (share: Share): boolean => this.#loadOf(share).running >= this.#maxRunningOf[share.kind]
    if (this.#running.size >= this.#maxConcurrent || shares.some(isOver)) return false
    return this.#running.size < this.#maxConcurrent * 0.9 || shares.every(share => this.#loadOf(share).running === 0)
  }

  #start(request: SlotRequest): void {
    this.#running.add(request)
    this.#count(request, { running: 1 })
    request.start()
  }

  #remove(request: SlotRequest): void {
    if (this.#waiting.delete(request)) this.#count(request, { waiting: -1 })
    if (this.#running.delete(request)) this.#count(request, { running: -1 })
  }
}
