import type { HeaderFields } from '@countersign/protocol'

/** A response as far as guards and proxies look at it. */
export interface AnswerHead {
  readonly status: number
  readonly headers: HeaderFields
}

/**
 * Removes `Agent-Auth` from a 503 of a handler. A 503 with that header says that nothing was done, so agents send even an unsafe
 * request again. A guard that has handed the request on cannot promise that.
 * @see protocol §3.7 (`sig.replay.handed-on`)
 */
export function takeRetryOff({ status, headers }: AnswerHead): void {
  if (status === 503) headers.delete('agent-auth')
}
