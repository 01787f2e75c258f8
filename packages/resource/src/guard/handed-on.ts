import type { HeaderFields } from '@countersign/protocol'

/** A response as far as guards and proxies look at it. */
export interface AnswerHead {
  readonly status: number
  readonly headers: HeaderFields
}

/**
 * Takes `Agent-Auth` off a 503 of what stands behind a guard. A 503 with that header says that nothing was done, and an agent
 * sends even an unsafe request again; only who has not handed the request on can say so.
 * @see protocol §3.7 (`sig.replay.handed-on`)
 */
export function takeRetryOff({ status, headers }: AnswerHead): void {
  if (status === 503) headers.delete('agent-auth')
}
