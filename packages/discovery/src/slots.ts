import { Unreachable } from './unreachable.js'

/** One fetch that needs a slot. */
export interface SlotRequest {
  /** Those whose shares it takes, see {@link sharesOf}. */
  readonly shares: readonly Share[]
  /** Called once, when it has a slot: at once or later. */
  start(): void
}

/** A bounded number of fetches at the same time, and a bounded number that wait. */
export interface Slots {
  /** @throws Unreachable when too many wait already, altogether or for one of its shares */
  acquire(request: SlotRequest): void
  /** Gives back the slot, or the place among those that wait; in vain for a request that has neither. */
  release(request: SlotRequest): void
}

/** Who a fetch is for and who caused it. */
export interface FetchShares {
  /** Where it goes. */
  readonly origin: string
  /** The site of the participant that it is for; none in development, where all are one. */
  readonly site?: string | undefined
  /** The network of the caller that caused it, where that is known. */
  readonly network?: string | undefined
}

/** A share of the slots and of the queue, by whose it is. */
interface Share {
  readonly kind: 'origin' | 'site' | 'ports' | 'network'
  readonly name: string
}

/**
 * The shares that a fetch takes. Names on ports of their own take one of their site's: any host has ports that a firewall swallows,
 * and whoever names those must not keep the host itself from being met.
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
 * Strangers choose where is fetched from, and a host that never answers holds its slot until the deadline. No site and no network
 * of callers gets more than a tenth of the slots and of the queue, and the last tenth of the slots goes only to those who hold none,
 * so that a domain with names without end holds up nobody but itself (DOS-20). A single origin gets an eighth of the slots and half
 * of the queue at most.
 *
 * Not by `hasShare` of `@countersign/httpsig`: slots are few, so that a share is at least two of them and a thousandth would be none,
 * and a fetch takes shares of several at once.
 * @throws RangeError when the number is not a positive whole one
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
