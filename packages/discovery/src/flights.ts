import { AAuthError } from '@countersign/protocol'
import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument, Fetcher } from './fetcher.js'
import { Unreachable } from './unreachable.js'

/** Fetches that are under way, at most one for a URL. */
export interface Flights {
  /**
   * Joins the fetch of this URL that is under way, or spends one of the budget and begins one.
   * Rejects with AAuthError when the fetcher refuses, with Unreachable when there was no answer.
   * @throws AAuthError at once when the budget is spent
   */
  board(url: string, options: { readonly maxBytes: number; readonly budget?: FetchBudget }): Promise<FetchedDocument>
  /** Lets nobody join the fetch of this URL any more. */
  close(url: string): void
}

/** What {@link createFlights} needs. */
export interface FlightsOptions {
  readonly fetcher: Fetcher
  readonly now: () => number
  readonly onFetch?: (event: { url: string; ok: boolean; seconds: number }) => void
}

/**
 * One flight per URL: however many ask at the same time, a host is asked once.
 * @see protocol.md §10
 */
export function createFlights({ fetcher, now, onFetch }: FlightsOptions): Flights {
  const inFlight = new Map<string, Promise<FetchedDocument>>()

  async function fly(url: string, maxBytes: number): Promise<FetchedDocument> {
    const began = now()
    let ok = false
    try {
      const document = await fetcher(url, { maxBytes })
      ok = document.status === 200
      return document
    } catch (cause) {
      // A fetcher's own AAuthError says that it refuses; anything else is the network.
      throw cause instanceof AAuthError ? cause : new Unreachable('no answer', { cause })
    } finally {
      onFetch?.({ url, ok, seconds: Math.max(0, now() - began) })
    }
  }

  return {
    board(url, { maxBytes, budget }) {
      // Two documents of different size limits may stand at one URL: a flight is told by both.
      const name = `${maxBytes} ${url}`
      const joined = inFlight.get(name)
      if (joined !== undefined) return joined
      budget?.spend()
      const flight = fly(url, maxBytes).finally(() => {
        if (inFlight.get(name) === flight) inFlight.delete(name)
      })
      inFlight.set(name, flight)
      return flight
    },
    close(url) {
      for (const name of inFlight.keys()) if (name.endsWith(` ${url}`)) inFlight.delete(name)
    },
  }
}
