import type { Rig } from '../rig/rig.js'

/** What the rig saw of a fault. */
export interface Bite {
  readonly measured: number
  /** Less than this is no fault. */
  readonly atLeast: number
  readonly unit: string
}

/** A fault that lasts. */
export interface Applied {
  /** Ends it; resolves once what the rig has taken away is back. */
  heal(): Promise<void>
  /** What it does, measured while it lasts. */
  measure(): Promise<Bite>
}

/** Something that breaks. */
export interface Fault {
  readonly name: string
  readonly what: string
  /** Whether requests may wait for their client's own deadline: something takes connections and does not answer. */
  readonly silent: boolean
  /** What two faults must not both take: then they are no pair, since one could hide the other. */
  readonly takes: readonly string[]
  /** Whether it sets a clock, or Redis loses what it knew: the start of what instances share depends on both. */
  readonly of?: 'clock' | 'loss'
  /** Which Redis it is of; default both. */
  readonly redis?: 'single' | 'cluster'
  /** Why this machine cannot have it. */
  away?(): string | undefined
  apply(rig: Rig): Promise<Applied>
}

/** Counts something that grows while a fault lasts. */
export function growing(read: () => number, unit: string, atLeast = 1): () => Promise<Bite> {
  const before = read()
  return async () => ({ measured: read() - before, atLeast, unit })
}

/** The fault of a process that was killed: it is started again when the fault ends. */
export function gone(
  one: { start(): Promise<void>; isRunning(): boolean },
  unit: 'servers gone' | 'processes gone',
): Applied {
  return { heal: () => one.start(), measure: async () => ({ measured: one.isRunning() ? 0 : 1, atLeast: 1, unit }) }
}
