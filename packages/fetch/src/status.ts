/** Describes a status that no AAuth challenge explains. */
export function describeStatus(status: number): string {
  if (status === 400) return 'the server could not read the request'
  if (status === 401) return 'the server asks for a login other than AAuth'
  if (status === 403) return 'the server knows who asked and does not allow it'
  if (status === 404) return 'there is nothing at this path'
  if (status === 405) return 'the server does not take this method here: try another with -X'
  if (status === 413) return 'the body is too large for the server'
  if (status === 415) return 'the server does not take a body of this type: name another with -H "Content-Type: …"'
  if (status === 429) return 'too many requests: wait and try again'
  if (status === 503) return 'the server is not ready: try again later'
  if (status >= 500) return 'the server failed; its own log says why'
  return 'the server refused the request'
}
