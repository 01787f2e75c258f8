import { randomUUID } from 'node:crypto'

/** The id under which a request is logged: the proxy's, where it is a short plain word, else a new one. */
export function requestId(values: string | readonly string[] | undefined): string {
  // Anything else could forge or split records, or make them large.
  return typeof values === 'string' && /^[A-Za-z0-9._-]{8,64}$/.test(values) ? values : randomUUID()
}
