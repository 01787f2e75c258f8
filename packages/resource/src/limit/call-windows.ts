/** One window in which calls under a policy are counted. @see protocol §9.2 */
export interface CallWindow {
  /** Whose calls, in which window: a JSON array, or any text that no other caller has. */
  readonly key: string
  /** The most calls in it. */
  readonly max: number
  /** When it ends, Unix seconds. */
  readonly ends: number
}

/** One call, and the windows in which it counts. */
export interface CountedCall {
  readonly windows: readonly CallWindow[]
  /** Unix seconds. */
  readonly now: number
  /** The owner whose share of a bounded counter its windows take: the site of the agent; undefined in development. */
  readonly site?: string | undefined
  /** Only looks which windows are used up. */
  readonly only?: 'look' | undefined
}

/** Counts calls in memory. */
export interface MemoryCalls {
  /** Windows that are counted. */
  readonly size: number
  take(call: CountedCall): Promise<readonly CallWindow[]>
}
