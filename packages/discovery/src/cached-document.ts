import type { AAuthError } from '@countersign/protocol'
import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument } from './fetcher.js'
import { lifetimeOf } from './freshness.js'
import { discoveryError, Unreachable } from './unreachable.js'

/** Seconds during which a failure is the answer, so that nobody can make us knock at a dead host per request. */
const failureLifetime = 5
/** Seconds after a failure during which nobody waits for the host who can be served without; after them it is asked first. */
const awayLifetime = 30
/** Seconds after its last successful fetch that a document may stand in for a host that does not answer, or answers with garbage. */
const staleLimit = 3600
/** How many may wait for one document at the same time: more are told at once to come back. */
const maxWaiting = 4096

/** One document of one identifier, kept as long as protocol.md §10 allows. */
export interface CachedDocument<T> {
  /**
   * The document: from memory while fresh, without a promise; else fetched; else, when the host does not answer or its document has turned to
   * garbage, the last good one for up to 1 h.
   * @throws AAuthError `discovery_failed`: 401 when it is missing or wrong, 503 when the host does not answer
   */
  get(budget?: FetchBudget): T | Promise<T>
  /**
   * The document, fetched (or joined) even if fresh, unless it was asked for less than `interval` seconds ago.
   * @throws AAuthError `discovery_failed` when the last attempt failed
   */
  renewed(interval: number, budget?: FetchBudget): Promise<T>
}

/** Where a {@link CachedDocument} comes from. */
export interface DocumentSource<T> {
  readonly now: () => number
  /** Begins or joins a fetch; throws at once, with nothing begun, when the budget is spent or too many fetches wait. */
  fetch(budget: FetchBudget | undefined): Promise<FetchedDocument>
  /** One more asks for the document that is being fetched. */
  join?(budget: FetchBudget | undefined): void
  /** From bytes to what is kept. @throws AAuthError `discovery_failed`, Unreachable */
  read(document: FetchedDocument): T
  /** Told what is held from now on. */
  onHeld(document: FetchedDocument): void
  /** Told how a question was answered, that a document is fetched early, or that it has turned to garbage. */
  tell(what: 'hit' | 'stale' | 'miss' | 'early' | 'budget' | 'busy' | 'failed' | 'garbage'): void
}

interface Held<T> {
  readonly value: T
  readonly at: number
  readonly lifetime: number
  /** Seconds since `at` in which it may stand in; `lifetime` once its host has withdrawn it. */
  standsIn: number
}

/** Makes a {@link CachedDocument}; nothing is fetched yet. */
export function cachedDocument<T>(source: DocumentSource<T>): CachedDocument<T> {
  let held: Held<T> | undefined
  let failure: { readonly error: unknown; readonly at: number } | undefined
  let pending: Promise<T> | undefined
  let waiting = 0
  let attemptedAt = Number.NEGATIVE_INFINITY

  // A clock that was set back makes ages negative: then nothing counts as recent.
  const isWithin = (since: number, seconds: number): boolean => {
    const age = source.now() - since
    return age >= 0 && age < seconds
  }
  const hasFailedWithin = (seconds: number): boolean => failure !== undefined && isWithin(failure.at, seconds)

  /** What may be served in place of a document that cannot be had; not of one that its host has withdrawn. */
  const findStandIn = (): Held<T> | undefined =>
    held !== undefined && isWithin(held.at, held.standsIn) ? held : undefined

  function serveStale(instead: Held<T>): T {
    source.tell('stale')
    return instead.value
  }

  /** Begins or joins the fetch. @throws AAuthError, Unreachable at once, with nothing begun or remembered */
  function fetchOrJoin(budget: FetchBudget | undefined): Promise<T> {
    if (pending !== undefined) {
      source.join?.(budget)
      return pending
    }
    const fetched = source.fetch(budget)
    attemptedAt = source.now()
    pending = storeFetched(fetched)
    return pending
  }

  async function storeFetched(fetched: Promise<FetchedDocument>): Promise<T> {
    let document: FetchedDocument | undefined
    try {
      document = await fetched
      const value = source.read(document)
      held = { value, at: source.now(), lifetime: lifetimeOf(document.cacheControl), standsIn: staleLimit }
      failure = undefined
      source.onHeld(document)
      return value
    } catch (error) {
      failure = { error, at: source.now() }
      if (held !== undefined && !(error instanceof Unreachable)) {
        // A broken deployment must not lock out everyone that its last good document names: that one stands in.
        if (document?.status === 200) source.tell('garbage')
        // A host that says there is no document has withdrawn it. What is fresh still counts: a request with an unknown kid,
        // which makes us ask early, must not end it for everyone else.
        else held.standsIn = held.lifetime
      }
      throw error
    } finally {
      pending = undefined
    }
  }

  async function awaitFetch(fetching: Promise<T>): Promise<T> {
    waiting += 1
    try {
      return await fetching
    } catch (error) {
      throw discoveryError(error, failureLifetime)
    } finally {
      waiting -= 1
    }
  }

  /** As {@link fetchOrJoin}, unless too many wait for it. */
  function fetchUnlessFull(budget: FetchBudget | undefined): Promise<T> {
    if (waiting >= maxWaiting) throw new Unreachable('too many wait')
    return fetchOrJoin(budget)
  }

  function refusalOf(error: unknown): AAuthError {
    source.tell(error instanceof Unreachable ? 'busy' : 'budget')
    return discoveryError(error, failureLifetime)
  }

  function get(budget?: FetchBudget): T | Promise<T> {
    if (held === undefined || !isWithin(held.at, held.lifetime)) return getExpired(budget)
    source.tell('hit')
    return held.value
  }

  async function getExpired(budget: FetchBudget | undefined): Promise<T> {
    const instead = findStandIn()
    if (failure !== undefined && hasFailedWithin(failureLifetime)) {
      if (instead !== undefined) return serveStale(instead)
      source.tell('failed')
      throw discoveryError(failure.error, failureLifetime)
    }
    // The host was away a moment ago: every few seconds its deadline would pass anew before anybody is served.
    const waitsForNobody = instead !== undefined && hasFailedWithin(awayLifetime)
    let fetching: Promise<T>
    try {
      fetching = fetchUnlessFull(budget)
    } catch (error) {
      if (instead !== undefined && error instanceof Unreachable) return serveStale(instead)
      throw refusalOf(error)
    }
    if (waitsForNobody) {
      fetching.catch(() => undefined)
      return serveStale(instead)
    }
    return awaitFetch(fetching.then(countMiss, serveStaleOrThrow))
  }

  function countMiss(value: T): T {
    source.tell('miss')
    return value
  }

  function serveStaleOrThrow(error: unknown): T {
    const instead = findStandIn()
    if (instead !== undefined) return serveStale(instead)
    source.tell('miss')
    throw error
  }

  async function renewed(interval: number, budget?: FetchBudget): Promise<T> {
    const isDue = pending === undefined && !isWithin(attemptedAt, interval)
    if (pending === undefined && !isDue) {
      if (failure !== undefined) throw discoveryError(failure.error, attemptedAt + interval - source.now())
      return get(budget)
    }
    let fetching: Promise<T>
    try {
      fetching = fetchUnlessFull(budget)
    } catch (error) {
      throw refusalOf(error)
    }
    if (isDue) source.tell('early')
    return awaitFetch(fetching)
  }

  return { get, renewed }
}
