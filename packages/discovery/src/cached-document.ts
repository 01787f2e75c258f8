import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument } from './fetcher.js'
import { lifetimeOf } from './freshness.js'
import { discoveryError, Unreachable } from './unreachable.js'

/** Seconds during which a failure is the answer, so that nobody can make us knock at a dead host per request. */
const failureLifetime = 5
/** Seconds after a failure during which nobody waits for the host who can be served without; after them it is asked first. */
const awayLifetime = 30
/** Seconds after its last successful fetch that a document may stand in for a host that does not answer. */
const staleLimit = 3600

/** One document of one identifier, kept as long as protocol.md §10 allows. */
export interface CachedDocument<T> {
  /**
   * The document: from memory while fresh; else fetched; else, when the host does not answer, the last one for up to 1 h.
   * @throws AAuthError `discovery_failed`: 401 when it is missing or wrong, 503 when the host does not answer
   */
  get(budget?: FetchBudget): Promise<T>
  /**
   * The document, fetched (or joined) even if fresh, unless it was asked for less than `interval` seconds ago.
   * @throws AAuthError `discovery_failed` when the last attempt failed
   */
  renewed(interval: number, budget?: FetchBudget): Promise<T>
}

/** Where a {@link CachedDocument} comes from. */
export interface DocumentSource<T> {
  readonly now: () => number
  /** Begins or joins a fetch; throws at once, with nothing begun, when the budget is spent. */
  fetch(budget: FetchBudget | undefined): Promise<FetchedDocument>
  /** From bytes to what is kept. @throws AAuthError `discovery_failed`, Unreachable */
  read(document: FetchedDocument): T
  /** Told the size in bytes of what is held from now on. */
  onHeld(bytes: number): void
}

interface Held<T> {
  readonly value: T
  readonly at: number
  readonly lifetime: number
}

/** Makes a {@link CachedDocument}; nothing is fetched yet. */
export function cachedDocument<T>(source: DocumentSource<T>): CachedDocument<T> {
  let held: Held<T> | undefined
  let failure: { readonly error: unknown; readonly at: number } | undefined
  let flight: Promise<T> | undefined
  let attemptedAt = Number.NEGATIVE_INFINITY

  // A clock that was set back makes ages negative: then nothing counts as recent.
  const isWithin = (since: number, seconds: number): boolean => {
    const age = source.now() - since
    return age >= 0 && age < seconds
  }
  const standIn = (): Held<T> | undefined => (held !== undefined && isWithin(held.at, staleLimit) ? held : undefined)

  function fly(budget: FetchBudget | undefined): Promise<T> {
    if (flight !== undefined) return flight
    const fetched = source.fetch(budget)
    attemptedAt = source.now()
    flight = land(fetched)
    return flight
  }

  async function land(fetched: Promise<FetchedDocument>): Promise<T> {
    try {
      const document = await fetched
      const value = source.read(document)
      held = { value, at: source.now(), lifetime: lifetimeOf(document.cacheControl) }
      failure = undefined
      source.onHeld(document.body.length)
      return value
    } catch (error) {
      failure = { error, at: source.now() }
      // A host that answers with no document, or a wrong one, has withdrawn what it said before.
      if (!(error instanceof Unreachable)) held = undefined
      throw error
    } finally {
      flight = undefined
    }
  }

  async function landed(arriving: Promise<T>): Promise<T> {
    try {
      return await arriving
    } catch (error) {
      throw discoveryError(error, failureLifetime)
    }
  }

  async function get(budget?: FetchBudget): Promise<T> {
    if (held !== undefined && isWithin(held.at, held.lifetime)) return held.value
    const mayStandIn = standIn()
    if (failure !== undefined && isWithin(failure.at, failureLifetime)) {
      if (mayStandIn !== undefined) return mayStandIn.value
      throw discoveryError(failure.error, failureLifetime)
    }
    const arriving = fly(budget)
    if (mayStandIn !== undefined && failure !== undefined && isWithin(failure.at, awayLifetime)) {
      // The host was away a moment ago: every few seconds its deadline would pass anew before anybody is served.
      arriving.catch(() => undefined)
      return mayStandIn.value
    }
    return landed(arriving.catch(error => standIn()?.value ?? Promise.reject(error)))
  }

  async function renewed(interval: number, budget?: FetchBudget): Promise<T> {
    if (flight !== undefined || !isWithin(attemptedAt, interval)) return landed(fly(budget))
    if (failure !== undefined) throw discoveryError(failure.error, attemptedAt + interval - source.now())
    return get(budget)
  }

  return { get, renewed }
}
