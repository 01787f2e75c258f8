import { Unreachable } from './unreachable.js'

/** One fetch that needs a slot. */
export interface Ticket {
  /** The host it goes to. */
  readonly host: string
  /** Called once, when it has a slot: at once or later. */
  start(): void
}

/** A bounded number of fetches at the same time, and a bounded number that wait. */
export interface Slots {
  /** @throws Unreachable when too many wait already, altogether or for this host */
  enter(ticket: Ticket): void
  /** Gives back the slot, or the place among those that wait; in vain for a ticket that has neither. */
  leave(ticket: Ticket): void
}

interface HostLoad {
  flying: number
  waiting: number
}

/**
 * Strangers choose which hosts are fetched from, and a host that never answers holds its slot until the deadline.
 * A single one gets an eighth of the slots and half of the queue, so that it holds up nobody but itself.
 * @throws RangeError when the number is not a positive whole one
 */
export function createSlots(maxConcurrent: number): Slots {
  if (!Number.isSafeInteger(maxConcurrent) || maxConcurrent < 1)
    throw new RangeError('maxConcurrent must be a positive whole number')
  const maxWaiting = 4 * maxConcurrent
  const maxFlyingToHost = Math.max(1, Math.floor(maxConcurrent / 8))
  const maxWaitingForHost = 2 * maxConcurrent
  const flying = new Set<Ticket>()
  const waiting = new Set<Ticket>()
  const loads = new Map<string, HostLoad>()

  const loadOf = (host: string): HostLoad => loads.get(host) ?? { flying: 0, waiting: 0 }

  function count(host: string, change: Partial<HostLoad>): void {
    const load = loadOf(host)
    const next = { flying: load.flying + (change.flying ?? 0), waiting: load.waiting + (change.waiting ?? 0) }
    if (next.flying + next.waiting === 0) loads.delete(host)
    else loads.set(host, next)
  }

  const hasRoomFor = (host: string): boolean => flying.size < maxConcurrent && loadOf(host).flying < maxFlyingToHost

  function begin(ticket: Ticket): void {
    flying.add(ticket)
    count(ticket.host, { flying: 1 })
    ticket.start()
  }

  function forget(ticket: Ticket): void {
    if (waiting.delete(ticket)) count(ticket.host, { waiting: -1 })
    if (flying.delete(ticket)) count(ticket.host, { flying: -1 })
  }

  return {
    enter(ticket) {
      if (hasRoomFor(ticket.host)) {
        begin(ticket)
        return
      }
      if (waiting.size >= maxWaiting || loadOf(ticket.host).waiting >= maxWaitingForHost)
        throw new Unreachable('too many fetches wait already')
      waiting.add(ticket)
      count(ticket.host, { waiting: 1 })
    },
    leave(ticket) {
      forget(ticket)
      for (const next of waiting) {
        if (flying.size >= maxConcurrent) return
        if (!hasRoomFor(next.host)) continue
        forget(next)
        begin(next)
      }
    },
  }
}
