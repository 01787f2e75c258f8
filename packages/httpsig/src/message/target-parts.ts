/**
 * The raw path of a request target: everything before the first `?`, never decoded or resolved.
 * @see RFC 9421 §2.2.6, protocol §3.3
 */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}

/**
 * The raw query of a request target, `?` included and never decoded; undefined when there is no `?`.
 * @see RFC 9421 §2.2.7, protocol §3.3
 */
export function queryOf(target: string): string | undefined {
  const query = target.indexOf('?')
  return query < 0 ? undefined : target.slice(query)
}
