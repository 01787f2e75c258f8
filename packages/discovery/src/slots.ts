import { Unreachable } from './unreachable.js'

/** One fetch that needs a slot. */
export interface Ticket {
  /** The origin it goes to. */
  readonly origin: string
  /** Called once, when it has a slot: at once or later. */
  start(): void
}

/** A bounded number of fetches at the same time, and a bounded number that wait. */
export interface Slots {
  /** @throws Unreachable when too many wait already, altogether or for this origin */
  enter(ticket: Ticket): void
  /** Gives back the slot, or the place among those that wait; in vain for a ticket that has neither. */
  leave(ticket: Ticket): void
}

interface Load {
  flying: number
  waiting: number
}

/**
 * Strangers choose where is fetched from, and a host that never answers holds its slot until the deadline. A single origin
 * gets an eighth of the slots and half of the queue, so that it holds up nobody but itself. Not a host with all its ports:
 * whoever names those that a firewall swallows would keep the host itself from being met.
 * @throws RangeError when the number is not a positive whole one
 */
export function createSlots(maxConcurrent: number): Slots {
  if (!Number.isSafeInteger(maxConcurrent) || maxConcurrent < 1)
    throw new RangeError('maxConcurrent must be a positive whole number')
  const maxWaiting = 4 * maxConcurrent
  const maxFlyingToOne = Math.max(1, Math.floor(maxConcurrent / 8))
  const maxWaitingForOne = 2 * maxConcurrent
  const flying = new Set<Ticket>()
  const waiting = new Set<Ticket>()
  const loads = new Map<string, Load>()

  const loadOf = (origin: string): Load => loads.get(origin) ?? { flying: 0, waiting: 0 }

  function count(origin: string, change: Partial<Load>): void {
    const load = loadOf(origin)
    const next = { flying: load.flying + (change.flying ?? 0), waiting: load.waiting + (change.waiting ?? 0) }
    if (next.flying + next.waiting === 0) loads.delete(origin)
    else loads.set(origin, next)
  }

  const hasRoomFor = (origin: string): boolean => flying.size < maxConcurrent && loadOf(origin).flying < maxFlyingToOne

  function begin(ticket: Ticket): void {
    flying.add(ticket)
    count(ticket.origin, { flying: 1 })
    ticket.start()
  }

  function forget(ticket: Ticket): void {
    if (waiting.delete(ticket)) count(ticket.origin, { waiting: -1 })
    if (flying.delete(ticket)) count(ticket.origin, { flying: -1 })
  }

  return {
    enter(ticket) {
      if (hasRoomFor(ticket.origin)) {
        begin(ticket)
        return
      }
      if (waiting.size >= maxWaiting || loadOf(ticket.origin).waiting >= maxWaitingForOne)
        throw new Unreachable('too many fetches wait already')
      waiting.add(ticket)
      count(ticket.origin, { waiting: 1 })
    },
    leave(ticket) {
      forget(ticket)
      for (const next of waiting) {
        if (flying.size >= maxConcurrent) return
        if (!hasRoomFor(next.origin)) continue
        forget(next)
        begin(next)
      }
    },
  }
}
