/** Why a shared replay set gave no verdict; `evicting` is a wrong configuration, all others pass. */
export type ReplaySetErrorCode = 'unavailable' | 'timeout' | 'overloaded' | 'evicting'

/** A shared replay set cannot say whether a request was seen before, so the request must not be let pass. */
export class ReplaySetError extends Error {
  override readonly name: string = 'ReplaySetError'
  readonly code: ReplaySetErrorCode
  /** True: it may go away by itself, and servers answer 503. */
  readonly transient: boolean

  constructor(code: ReplaySetErrorCode, description: string, cause?: unknown) {
    super(description, cause === undefined ? undefined : { cause })
    this.code = code
    this.transient = code !== 'evicting'
  }
}
