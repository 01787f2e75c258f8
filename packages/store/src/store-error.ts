/** The reasons of a {@link StoreError}. */
export type StoreErrorCode =
  /** Too many writes wait; nothing was changed, try again later. */
  | 'overloaded'
  /** The database cannot be reached, its disk is full or broken, or it is shutting down. */
  | 'unavailable'
  /** The store is closing or closed. */
  | 'closed'
  /** One `write()`, or one statement, ran longer than allowed; a write was rolled back. */
  | 'timeout'
  /** `tx` was used after its `write()` ended, or `db` was used to change something. */
  | 'misuse'
  /** The database holds migrations this program does not know, or in another order. */
  | 'migrations'
  /** The database is behind the epoch that is kept outside of it: see `openEpoch`. */
  | 'restored'
  /** The database cannot give the promised durability. */
  | 'unsuitable'

const transient: ReadonlySet<StoreErrorCode> = new Set(['overloaded', 'unavailable', 'closed', 'timeout'])

/**
 * An error of the store itself, or an unreachable database; other errors of the database pass through unchanged.
 * The message is constant text, without SQL, values or URLs.
 */
export class StoreError extends Error {
  readonly code: StoreErrorCode
  /** Whether trying again later may help; then a server answers 503 instead of 500. */
  readonly transient: boolean

  constructor(code: StoreErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
    this.transient = transient.has(code)
  }
}
