import { inTime } from '@countersign/httpsig/internal'

/** Why Redis gave no usable answer; `evicting` is a wrong configuration, the others are temporary. */
export type RedisErrorCode = 'unavailable' | 'timeout' | 'overloaded' | 'evicting'

/** The shared store did not answer: it is not known whether a request was received before, or how many were. */
export class RedisError extends Error {
  override readonly name: string = 'RedisError'
  readonly code: RedisErrorCode
  /** Whether the fault may pass by itself: servers answer 503. */
  readonly transient: boolean

  constructor(code: RedisErrorCode, description: string, cause?: unknown) {
    super(description, cause === undefined ? undefined : { cause })
    this.code = code
    this.transient = code !== 'evicting'
  }
}

/** Rejects when `work` takes longer than `deadline` seconds. */
export function withDeadline<T>(deadline: number, work: Promise<T>): Promise<T> {
  const late = (): RedisError => new RedisError('timeout', 'Redis did not answer in time')
  return inTime({ seconds: deadline, late }, work)
}
