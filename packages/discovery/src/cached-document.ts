import type { AAuthError } from '@countersign/protocol'
import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument } from './fetcher.js'
import { lifetimeOf } from './freshness.js'
import { discoveryError, Unreachable } from './unreachable.js'

/** Seconds a failure is remembered, so that strangers cannot make us ask a dead host once per request. */
const failureLifetime = 5
/** Seconds after a failure in which callers get the stale document without waiting; later the host is asked first. */
const awayLifetime = 30
/** Seconds after its last successful fetch in which a document is served while its host is unreachable or sends garbage. */
const staleLimit = 3600
/** Callers that may wait for one document at the same time; further ones get 503 at once. */
const maxWaiting = 4096

/** Where a {@link CachedDocument} comes from. */
export interface DocumentSource<T> {
  readonly now: () => number
  /** Begins or joins a fetch; throws synchronously, with nothing begun, when the budget is spent or too many fetches wait. */
  fetch(budget: FetchBudget | undefined): Promise<FetchedDocument>
  /** Called when one more caller waits for the fetch under way. */
  join?(budget: FetchBudget | undefined): void
  /** Turns the fetched bytes into the value to cache. @throws AAuthError `discovery_failed`, Unreachable */
  read(document: FetchedDocument): T
  /** Called with each document that enters the cache. */
  onHeld(document: FetchedDocument): void
  /** Reports how a lookup was answered, that a document is fetched early, or that the host sends garbage. */
  tell(what: 'hit' | 'stale' | 'miss' | 'early' | 'budget' | 'busy' | 'failed' | 'garbage'): void
}

interface Held<T> {
  readonly value: T
  readonly at: number
  readonly lifetime: number
  /** Seconds since `at` in which it may be served stale; `lifetime` once its host has withdrawn it. */
  standsIn: number
}

interface Failure {
  readonly error: unknown
  readonly at: number
}

/** One document of one identifier, cached; nothing is fetched before it is asked for. @see protocol §10 */
export class CachedDocument<T> {
  readonly #source: DocumentSource<T>
  #held: Held<T> | undefined
  #failure: Failure | undefined
  #pending: Promise<T> | undefined
  #waiting = 0
  #attemptedAt = Number.NEGATIVE_INFINITY

  constructor(source: DocumentSource<T>) {
    this.#source = source
  }

  /**
   * The document: while fresh from memory, else fetched. When the host does not answer or sends garbage,
   * the last good document is served for up to 1 h.
   * @throws AAuthError `discovery_failed`: 401 when it is missing or wrong, 503 when the host does not answer
   */
  async get(budget?: FetchBudget): Promise<T> {
    const held = this.#held
    return held !== undefined && this.#isWithin(held.at, held.lifetime)
      ? this.#serve('hit', held.value)
      : this.#getExpired(budget)
  }

  /**
   * Fetches the document even if it is fresh, or joins the fetch under way. Fetches nothing when the last fetch began less
   * than `interval` seconds ago.
   * @throws AAuthError `discovery_failed` when the last attempt failed
   */
  async renewed(interval: number, budget?: FetchBudget): Promise<T> {
    const isJoining = this.#pending !== undefined
    if (!isJoining && this.#isWithin(this.#attemptedAt, interval)) {
      const failure = this.#failure
      if (failure === undefined) return this.get(budget)
      throw discoveryError(failure.error, this.#attemptedAt + interval - this.#source.now())
    }
    let fetching: Promise<T>
    try {
      fetching = this.#fetch(budget)
    } catch (error) {
      throw this.#refusalOf(error)
    }
    if (!isJoining) this.#source.tell('early')
    return this.#awaitFetch(fetching)
  }

  async #getExpired(budget: FetchBudget | undefined): Promise<T> {
    const standIn = this.#findStandIn()
    const failure = this.#failure
    if (failure !== undefined && this.#isWithin(failure.at, failureLifetime)) {
      if (standIn !== undefined) return this.#serve('stale', standIn.value)
      this.#source.tell('failed')
      throw discoveryError(failure.error, failureLifetime)
    }
    // The host failed a moment ago and may fail again: no caller waits for its deadline when it can be served without.
    const isAway = failure !== undefined && this.#isWithin(failure.at, awayLifetime)
    let fetching: Promise<T>
    try {
      fetching = this.#fetch(budget)
    } catch (error) {
      if (standIn !== undefined && error instanceof Unreachable) return this.#serve('stale', standIn.value)
      throw this.#refusalOf(error)
    }
    if (standIn !== undefined && isAway) {
      fetching.catch(() => undefined)
      return this.#serve('stale', standIn.value)
    }
    return this.#serveFetched(fetching)
  }

  async #serveFetched(fetching: Promise<T>): Promise<T> {
    try {
      return this.#serve('miss', await this.#awaitFetch(fetching))
    } catch (error) {
      const standIn = this.#findStandIn()
      if (standIn !== undefined) return this.#serve('stale', standIn.value)
      this.#source.tell('miss')
      throw error
    }
  }

  /** Begins or joins the fetch. @throws AAuthError, Unreachable synchronously, with nothing begun or remembered */
  #fetch(budget: FetchBudget | undefined): Promise<T> {
    if (this.#waiting >= maxWaiting) throw new Unreachable('too many wait')
    if (this.#pending === undefined) {
      const fetched = this.#source.fetch(budget)
      this.#attemptedAt = this.#source.now()
      this.#pending = this.#storeFetched(fetched)
    } else this.#source.join?.(budget)
    return this.#pending
  }

  async #storeFetched(fetched: Promise<FetchedDocument>): Promise<T> {
    let document: FetchedDocument | undefined
    try {
      document = await fetched
      const value = this.#source.read(document)
      this.#held = { value, at: this.#source.now(), lifetime: lifetimeOf(document.cacheControl), standsIn: staleLimit }
      this.#failure = undefined
      this.#source.onHeld(document)
      return value
    } catch (error) {
      this.#failure = { error, at: this.#source.now() }
      if (this.#held !== undefined && !(error instanceof Unreachable)) {
        // A broken deployment must not lock out every caller that the last good document names: that one is served stale.
        if (document?.status === 200) this.#source.tell('garbage')
        // Any other answer withdraws the document. It still counts while fresh: a request with an unknown kid, which makes us
        // fetch early, must not end it for every other caller.
        else this.#held.standsIn = this.#held.lifetime
      }
      throw error
    } finally {
      this.#pending = undefined
    }
  }

  async #awaitFetch(fetching: Promise<T>): Promise<T> {
    this.#waiting += 1
    try {
      return await fetching
    } catch (error) {
      throw discoveryError(error, failureLifetime)
    } finally {
      this.#waiting -= 1
    }
  }

  #serve(how: 'hit' | 'miss' | 'stale', value: T): T {
    this.#source.tell(how)
    return value
  }

  #refusalOf(error: unknown): AAuthError {
    this.#source.tell(error instanceof Unreachable ? 'busy' : 'budget')
    return discoveryError(error, failureLifetime)
  }

  /** The cached document, if it may be served stale; one that its host has withdrawn may not. */
  #findStandIn(): Held<T> | undefined {
    const held = this.#held
    return held !== undefined && this.#isWithin(held.at, held.standsIn) ? held : undefined
  }

  /** A clock that was set back makes ages negative: then nothing counts as recent. */
  #isWithin(since: number, seconds: number): boolean {
    const age = this.#source.now() - since
    return age >= 0 && age < seconds
  }
}
