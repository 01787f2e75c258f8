import { AAuthError } from '@countersign/protocol'
import { withinDeadline } from './deadline.js'
import type { DiscoveryEvent, FetchOutcome } from './discovery-event.js'
import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument, Fetcher } from './fetcher.js'
import { type Slots, sharesOf, type Ticket } from './slots.js'
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
  /** Lets the fetch of this URL that is under way, if there is one, wait for one more caller as well. */
  join(url: string, options: Boarding): void
  /** Lets nobody join the fetch of this URL any more. */
  close(url: string): void
}

/** What a fetch may cost. */
export interface Boarding {
  readonly maxBytes: number
  /** Seconds until the first byte must be there, where that is less than the timeout. */
  readonly firstByte?: number | undefined
  readonly slots: Slots
  /** The site of the participant that it is for. */
  readonly site?: string | undefined
  /** The network of the caller that caused it. */
  readonly network?: string | undefined
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
  /** Waits for one more caller as well, if it still waits. @throws Unreachable when too many do */
  enter(waiting: Waiting): void
}

/** For whom a flight waits. */
type Waiting = Pick<Boarding, 'slots' | 'site' | 'network'>

/** A flight that many ask for waits on behalf of a few of them: each takes a place of those that wait. */
const maxTickets = 4

/**
 * One flight per URL: however many ask at the same time, a host is asked once.
 * @see protocol.md §10
 */
export function createFlights(options: FlightsOptions): Flights {
  const inFlight = new Map<string, Flight>()
  return {
    board(url, boarding) {
      // Two documents of different size limits may stand at one URL: a flight is told by both.
      const name = `${boarding.maxBytes} ${url}`
      const joined = inFlight.get(name)
      if (joined !== undefined) {
        hasten(joined, boarding)
        return joined.document
      }
      boarding.budget?.spend()
      const flight = launch(url, { ...boarding, ...options })
      inFlight.set(name, flight)
      return flight.document.finally(() => {
        if (inFlight.get(name) === flight) inFlight.delete(name)
      })
    },
    join(url, boarding) {
      const joined = inFlight.get(`${boarding.maxBytes} ${url}`)
      if (joined !== undefined) hasten(joined, boarding)
    },
    close(url) {
      for (const name of inFlight.keys()) if (name.endsWith(` ${url}`)) inFlight.delete(name)
    },
  }
}

/** A flight that a stranger caused may wait behind a flood; one who has slots elsewhere, or a share of their own, need not wait with it. */
function hasten(flight: Flight, waiting: Waiting): void {
  try {
    flight.enter(waiting)
  } catch {
    // It keeps the place it has.
  }
}

type Launch = FlightsOptions & Waiting & Pick<Boarding, 'maxBytes' | 'firstByte'>

function launch(url: string, options: Launch): Flight {
  const { origin } = new URL(url)
  const tickets: Array<Ticket & Waiting> = []
  let isWaiting = true
  let takeOff = (): void => undefined
  const ready = new Promise<void>(resolve => {
    takeOff = resolve
  })

  function leave(except?: Ticket): void {
    isWaiting = false
    for (const ticket of tickets) if (ticket !== except) ticket.slots.leave(ticket)
  }

  function enter({ slots, site, network }: Waiting): void {
    const isSame = (ticket: Waiting): boolean => ticket.slots === slots && ticket.network === network
    if (!isWaiting || tickets.length >= maxTickets || tickets.some(isSame)) return
    const ticket = {
      ...{ slots, site, network, shares: sharesOf({ origin, site, network }) },
      start(): void {
        leave(ticket)
        takeOff()
      },
    }
    slots.enter(ticket)
    tickets.push(ticket)
  }

  enter(options)
  return { document: fly(url, ready, options).finally(() => leave()), enter }
}

async function fly(
  url: string,
  ready: Promise<void>,
  o: FlightsOptions & Pick<Boarding, 'maxBytes' | 'firstByte'>,
): Promise<FetchedDocument> {
  const { fetcher, now, timeout: seconds, tell, maxBytes, firstByte } = o
  const began = now()
  let hasSlot = false
  const end = (outcome: FetchOutcome, status?: number) =>
    tell({ type: 'fetch', url, outcome, ...(status !== undefined && { status }), seconds: Math.max(0, now() - began) })
  try {
    const document = await withinDeadline({ seconds }, async signal => {
      // Of the time for all half at most is spent waiting: what then begins has a chance to end.
      await withinDeadline({ seconds: seconds / 2, outer: signal }, () => ready)
      hasSlot = true
      return fetcher(url, { maxBytes, signal, ...(firstByte !== undefined && { firstByte }) })
    })
    end(document.status === 200 ? 'ok' : 'status', document.status)
    return document
  } catch (cause) {
    // A fetcher's own AAuthError says that it refuses; anything else is the network.
    const isRefusal = cause instanceof AAuthError
    end(isRefusal ? 'refused' : hasSlot ? 'unreachable' : 'busy')
    throw isRefusal ? cause : Object.assign(new Unreachable('no answer', { cause }), { url })
  }
}
