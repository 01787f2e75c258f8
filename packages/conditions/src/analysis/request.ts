import type { CallsCondition, JudgedFacts } from '@countersign/protocol'

/** The windows in which calls are counted. */
export type Period = CallsCondition['per']

/** One request with all that conditions judge: what it is, what was counted before, what a user said, what the answer would hold. */
export interface ConsideredRequest extends JudgedFacts {
  /** Its method is safe. */
  readonly safe: boolean
  /** The name of its operation; absent: it has none. */
  readonly operation?: string | undefined
  /** Its JSON body, as a value or its bytes; absent: it has none, or one that is not JSON. */
  readonly body?: unknown
  /** What the answer holds, as a value or its bytes; absent: an answer that is not JSON. */
  readonly answer?: unknown
  /** Calls that were let pass before it, in its minute, hour and day of Unix time and under its grant: each counted by itself. */
  readonly used: Readonly<Record<Period, number>>
  /** A user has approved this very request. */
  readonly approved: boolean
}
