/**
 * The network a peer address counts as: an IPv4 address itself, an IPv6 address' /64.
 * One host is commonly given a whole /64, so counting single IPv6 addresses would count nothing.
 * @param peer an IP address as a socket gives it; an IPv4-mapped one counts as IPv4. Anything else comes back as it is.
 * @see protocol §4 "Limits by level"
 */
export function networkOf(peer: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(peer)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!peer.includes(':')) return peer
  const [head = '', tail] = peer.replace(/%.*$/, '').toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}

/** The address a message or caller came from, as callers and events carry it: no member where it is unknown. */
export function peerOf({ peer }: { readonly peer?: string }): { readonly peer?: string } {
  return peer === undefined ? {} : { peer }
}

/** The name of a request in logs, as events carry it: no member where its receiver gave it none. */
export function requestIdOf({ requestId }: { readonly requestId?: string }): { readonly request_id?: string } {
  return requestId === undefined ? {} : { request_id: requestId }
}

/** The same context, which tells what is decided about one request under its name. */
export function telling<C extends { readonly onEvent: (event: never) => void }>(
  context: C,
  message: { readonly requestId?: string },
): C {
  const tell = context.onEvent as (event: object) => void
  return { ...context, onEvent: (event: object) => tell({ ...event, ...requestIdOf(message) }) }
}
