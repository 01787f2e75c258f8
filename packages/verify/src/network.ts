/**
 * The network that a peer address counts for: the IPv4 address itself, or the /64 of an IPv6 address.
 * One host commonly has a whole /64, so a limit by single IPv6 addresses would limit nothing.
 * @param peer an IP address as a socket gives it; an IPv4-mapped one counts as IPv4. Any other text is returned unchanged.
 * @see protocol §4 "Limits by level"
 */
export function networkOf(peer: string): string {
  const address = addressOf(peer)
  return typeof address === 'string' ? address : `${address.slice(0, 4).join(':')}::/64`
}

/**
 * The wider network that a peer address counts for where networks share something: the /24 of an IPv4 address, the /48 of an IPv6
 * address. One customer commonly has a /48 or rents a /24, so shares by smaller networks would bound nothing.
 * @param peer an IP address as a socket gives it; an IPv4-mapped one counts as IPv4. Any other text is returned unchanged.
 * @see protocol §10
 */
export function wideNetworkOf(peer: string): string {
  const address = addressOf(peer)
  if (typeof address !== 'string') return `${address.slice(0, 3).join(':')}::/48`
  const network = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/.exec(address)?.[1]
  return network === undefined ? address : `${network}.0/24`
}

/** Tells whether a peer is this machine or in a private network: it may be a proxy with many callers behind it. */
export function isPrivatePeer(peer: string): boolean {
  const address = addressOf(peer)
  if (typeof address === 'string')
    return /^(?:10|127|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
      address,
    )
  return address.join(':') === '0:0:0:0:0:0:0:1' || /^(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f])$/.test(address[0] ?? '')
}

/** The eight groups of an IPv6 address, or the text of any other address; an IPv4-mapped address becomes IPv4. */
function addressOf(peer: string): string | readonly string[] {
  if (!peer.includes(':')) return peer
  const [address = ''] = peer.toLowerCase().split('%', 1)
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const dotted = dottedQuad([...left, ...right].at(-1) ?? '')
  if (dotted !== undefined) (tail === undefined ? left : right).splice(-1, 1, ...dotted)
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right].map(group => group.replace(/^0+(?=.)/, ''))
  return mappedAddress(groups) ?? groups
}

/** The two groups that an IPv4 address at the end of an IPv6 address stands for. */
function dottedQuad(text: string): readonly string[] | undefined {
  const [, a, b, c, d] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.map(Number) ?? []
  if (a === undefined || b === undefined || c === undefined || d === undefined) return undefined
  return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)]
}

/** The IPv4 address in `::ffff:0:0/96`: the same peer must not count twice, by either spelling. */
function mappedAddress(groups: readonly string[]): string | undefined {
  if (groups.length !== 8 || groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return undefined
  const [high = 0, low = 0] = groups.slice(6).map(group => Number.parseInt(group, 16))
  return [high >>> 8, high & 255, low >>> 8, low & 255].join('.')
}

/** The peer address of a message or caller as a member to spread; no member when it is unknown. */
// unchecked options {}: it is a party, a message or a logger, of which few members are read
export function peerOf({ peer }: { readonly peer?: string }): { readonly peer?: string } {
  return peer === undefined ? {} : { peer }
}

/** The request id of a message as a member of an event to spread; no member when it has none. */
// unchecked options {}: it is a party, a message or a logger, of which few members are read
export function requestIdOf({ requestId }: { readonly requestId?: string }): { readonly request_id?: string } {
  return requestId === undefined ? {} : { request_id: requestId }
}

/** Returns the context with an `onEvent` that adds the request id of the message to each event. */
// unchecked options message: it is a party, a message or a logger, of which few members are read
export function telling<C extends { readonly onEvent: (event: never) => void }>(
  context: C,
  message: { readonly requestId?: string },
): C {
  const tell = context.onEvent as (event: object) => void
  return { ...context, onEvent: (event: object) => tell({ ...event, ...requestIdOf(message) }) }
}
