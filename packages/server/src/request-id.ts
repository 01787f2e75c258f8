import { randomUUID } from 'node:crypto'

/** The id of a request in logs: the proxy's `X-Request-Id` when it is a short plain word, else a new one. */
export function requestId(values: string | readonly string[] | undefined): string {
  // Any other text could forge or split log records, or make them large.
  return typeof values === 'string' && /^[A-Za-z0-9._-]{8,64}$/.test(values) ? values : randomUUID()
}
