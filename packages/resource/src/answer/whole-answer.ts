/** Whether a request header asks for a part of an answer, or for one only under a condition. */
export function isConditional(name: string): boolean {
  // Some servers read `If_Match` as `If-Match`.
  const plain = name.toLowerCase().replaceAll('_', '-')
  return plain === 'range' || plain.startsWith('if-')
}

/**
 * Whether a handler gets a request without this header, where its answer is judged: it must answer with the whole, in no content
 * coding.
 * @see protocol §9
 */
export function hindersProjection(name: string): boolean {
  return isConditional(name) || name.toLowerCase().replaceAll('_', '-') === 'accept-encoding'
}

/** The request without those headers. */
export function askedWhole(request: Request): Request {
  const names = [...request.headers.keys()].filter(hindersProjection)
  if (names.length === 0) return request
  const headers = new Headers(request.headers)
  for (const name of names) headers.delete(name)
  return new Request(request, { headers })
}
