/** Why Redis gave no answer that counts; `evicting` is a wrong configuration, all others pass. */
export type RedisErrorCode = 'unavailable' | 'timeout' | 'overloaded' | 'evicting'

/** What instances share cannot be asked: nobody knows whether a request was seen before, or how many came. */
export class RedisError extends Error {
  override readonly name: string = 'RedisError'
  readonly code: RedisErrorCode
  /** True: it may go away by itself, and servers answer 503. */
  readonly transient: boolean

  constructor(code: RedisErrorCode, description: string, cause?: unknown) {
    super(description, cause === undefined ? undefined : { cause })
    this.code = code
    this.transient = code !== 'evicting'
  }
}
