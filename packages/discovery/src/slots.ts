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
  const maxWaiting = 4 * maxConcurrent
  const running = new Set<SlotRequest>()
  const waiting = new Set<SlotRequest>()
  const loads = new Map<string, Load>()

  const loadOf = ({ name }: Share): Load => loads.get(name) ?? { running: 0, waiting: 0 }
  const tenth = (of: number): number => Math.max(2, Math.floor(of / 10))
  const maxRunning = {
    origin: Math.max(1, Math.floor(maxConcurrent / 8)),
    site: tenth(maxConcurrent),
    ports: Math.floor(tenth(maxConcurrent) / 2),
    network: tenth(maxConcurrent),
  }
  const maxWaitingOf = {
    origin: 2 * maxConcurrent,
    site: tenth(maxWaiting),
    ports: Math.floor(tenth(maxWaiting) / 2),
    network: tenth(maxWaiting),
  }

  function count(request: SlotRequest, change: Partial<Load>): void {
    for (const share of request.shares) {
      const load = loadOf(share)
      const next = { running: load.running + (change.running ?? 0), waiting: load.waiting + (change.waiting ?? 0) }
      if (next.running + next.waiting === 0) loads.delete(share.name)
      else loads.set(share.name, next)
    }
  }

  function hasRoomFor({ shares }: SlotRequest): boolean {
    if (running.size >= maxConcurrent || shares.some(share => loadOf(share).running >= maxRunning[share.kind]))
      return false
    return running.size < maxConcurrent * 0.9 || shares.every(share => loadOf(share).running === 0)
  }

  function start(request: SlotRequest): void {
    running.add(request)
    count(request, { running: 1 })
    request.start()
  }

  function remove(request: SlotRequest): void {
    if (waiting.delete(request)) count(request, { waiting: -1 })
    if (running.delete(request)) count(request, { running: -1 })
  }

  return {
    acquire(request) {
      if (hasRoomFor(request)) {
        start(request)
        return
      }
      if (waiting.size >= maxWaiting || request.shares.some(share => loadOf(share).waiting >= maxWaitingOf[share.kind]))
        throw new Unreachable('too many fetches wait already')
      waiting.add(request)
      count(request, { waiting: 1 })
    },
    release(request) {
      remove(request)
      for (const next of waiting) {
        if (running.size >= maxConcurrent) return
        if (!hasRoomFor(next)) continue
        remove(next)
        start(next)
      }
    },
  }
}
