import { AAuthError } from '@countersign/protocol'
import { withinDeadline } from './deadline.js'
import type { DiscoveryEvent, FetchOutcome } from './discovery-event.js'
import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument, Fetcher } from './fetcher.js'
import type { Slots, Ticket } from './slots.js'
import { Unreachable } from './unreachable.js'

/** Fetches that are under way, at most one for a URL. */
export interface Flights {
  /**
   * Joins the fetch of this URL that is under way, or spends one of the budget and begins one when it has a slot.
   * Rejects with AAuthError when the fetcher refuses, with Unreachable when there was no answer in time.
   * @throws AAuthError at once when the budget is spent
   * @throws Unreachable at once when too many wait for a slot
   */
  board(url: string, options: Boarding): Promise<FetchedDocument>
  /** Lets nobody join the fetch of this URL any more. */
  close(url: string): void
}

/** What a fetch may cost. */
export interface Boarding {
  readonly maxBytes: number
  readonly slots: Slots
  readonly budget?: FetchBudget | undefined
}

/** What {@link createFlights} needs. */
export interface FlightsOptions {
  readonly fetcher: Fetcher
  readonly now: () => number
  /** Seconds that a fetch may take, with the wait for a slot. */
  readonly timeout: number
  readonly tell: (event: DiscoveryEvent) => void
}

interface Flight {
  readonly document: Promise<FetchedDocument>
  /** Waits among these as well, if it still waits. @throws Unreachable when too many do */
  enter(slots: Slots): void
}

/**
 * One flight per URL: however many ask at the same time, a host is asked once.
 * @see protocol.md §10
 */
export function createFlights(options: FlightsOptions): Flights {
  const inFlight = new Map<string, Flight>()
  return {
    board(url, { maxBytes, slots, budget }) {
      // Two documents of different size limits may stand at one URL: a flight is told by both.
      const name = `${maxBytes} ${url}`
      const joined = inFlight.get(name)
      if (joined !== undefined) {
        hasten(joined, slots)
        return joined.document
      }
      budget?.spend()
      const flight = launch(url, { maxBytes, slots, ...options })
      inFlight.set(name, flight)
      return flight.document.finally(() => {
        if (inFlight.get(name) === flight) inFlight.delete(name)
      })
    },
    close(url) {
      for (const name of inFlight.keys()) if (name.endsWith(` ${url}`)) inFlight.delete(name)
    },
  }
}

/** A flight that a stranger caused may wait behind a flood; one who has slots elsewhere need not wait with it. */
function hasten(flight: Flight, slots: Slots): void {
  try {
    flight.enter(slots)
  } catch {
    // It keeps the place it has.
  }
}

function launch(url: string, options: FlightsOptions & { maxBytes: number; slots: Slots }): Flight {
  const { origin } = new URL(url)
  const tickets = new Map<Slots, Ticket>()
  let isWaiting = true
  let takeOff = (): void => undefined
  const ready = new Promise<void>(resolve => {
    takeOff = resolve
  })

  function leave(except?: Slots): void {
    isWaiting = false
    for (const [slots, ticket] of tickets) if (slots !== except) slots.leave(ticket)
  }

  function enter(slots: Slots): void {
    if (!isWaiting || tickets.has(slots)) return
    const start = () => {
      leave(slots)
      takeOff()
    }
    const ticket = { origin, start }
    slots.enter(ticket)
    tickets.set(slots, ticket)
  }

  enter(options.slots)
  return { document: fly(url, ready, options).finally(() => leave()), enter }
}

async function fly(
  url: string,
  ready: Promise<void>,
  o: FlightsOptions & { maxBytes: number },
): Promise<FetchedDocument> {
  const { fetcher, now, timeout: seconds, tell, maxBytes } = o
  const began = now()
  let hasSlot = false
  const end = (outcome: FetchOutcome, status?: number) =>
    tell({ type: 'fetch', url, outcome, ...(status !== undefined && { status }), seconds: Math.max(0, now() - began) })
  try {
    const document = await withinDeadline({ seconds }, async signal => {
      // Of the time for all half at most is spent waiting: what then begins has a chance to end.
      await withinDeadline({ seconds: seconds / 2, outer: signal }, () => ready)
      hasSlot = true
      return fetcher(url, { maxBytes, signal })
    })
    end(document.status === 200 ? 'ok' : 'status', document.status)
    return document
  } catch (cause) {
    // A fetcher's own AAuthError says that it refuses; anything else is the network.
    const isRefusal = cause instanceof AAuthError
    end(isRefusal ? 'refused' : hasSlot ? 'unreachable' : 'busy')
    throw isRefusal ? cause : new Unreachable('no answer', { cause })
  }
}
