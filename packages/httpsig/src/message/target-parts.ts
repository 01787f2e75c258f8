/**
 * The raw path of a request target: what stands before the first `?`, byte for byte, never decoded or resolved.
 * @see RFC 9421 §2.2.6, docs/protocol.md §3.3
 */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}

/**
 * The raw query of a request target, `?` included and never decoded; undefined when there is no `?`.
 * @see RFC 9421 §2.2.7, docs/protocol.md §3.3
 */
export function queryOf(target: string): string | undefined {
  const query = target.indexOf('?')
  return query < 0 ? undefined : target.slice(query)
}
