import type { ReceivedMessage } from '@countersign/httpsig'

/** The proxies in front of a server, and the header in which they name the caller. */
export interface TrustedProxies {
  /**
   * How many proxies every request passes, or their addresses and networks (`10.0.0.0/8`). Use a number only when no caller can
   * reach this server without passing them. Default 0: no header is read, the address of the connection counts.
   */
  readonly trustedProxies?: number | readonly string[]
  /** The header that the proxies write. They must append to it or replace it, not pass it on. Default `x-forwarded-for`. */
  readonly forwardedHeader?: 'x-forwarded-for' | 'forwarded'
}

/** Returns the address of the caller in front of the trusted proxies; undefined when the address of the connection is unknown. */
export type ClientOf = (message: ReceivedMessage) => string | undefined

/** Returns the message with the address of its caller in place of that of the proxy. */
export function withClient(message: ReceivedMessage, client: ClientOf): ReceivedMessage {
  const peer = client(message)
  return peer === undefined || peer === message.peer ? message : { ...message, peer }
}

/** Entries of the header that are read, from the right: more than any chain of proxies has. */
const mostHops = 32

/**
 * Makes the function that finds the caller's address for limits.
 * The header is read from the right, as far as trusted proxies wrote it: a caller can forge everything left of that (RAT-02).
 * No other header is read, neither the other of the two nor `True-Client-IP`: a proxy passes on a forged header that it does not
 * write itself.
 * @throws TypeError for an invalid number of hops, address or header
 */
export function clientOf({ trustedProxies = 0, forwardedHeader = 'x-forwarded-for' }: TrustedProxies): ClientOf {
  if (!['x-forwarded-for', 'forwarded'].includes(forwardedHeader))
    throw new TypeError('forwardedHeader is x-forwarded-for or forwarded')
  const trusts = typeof trustedProxies === 'number' ? byHops(trustedProxies) : byNetwork(trustedProxies)
  return message => {
    let { peer } = message
    // A connection without an address may or may not come from a proxy: all such connections share one count.
    if (peer === undefined || trustedProxies === 0) return peer
    const entries = addressesIn(message, forwardedHeader)
    for (let hop = 0; trusts(peer, hop); hop++) {
      const next = entries.pop()
      // A proxy that names no caller counts as the caller itself.
      if (next === undefined || bitsOf(next) === undefined) break
      peer = next
    }
    return peer
  }
}

type Trusts = (address: string, hop: number) => boolean

function byHops(count: number): Trusts {
  if (!Number.isInteger(count) || count < 0 || count > mostHops)
    throw new TypeError('trustedProxies must be a number of hops, 0 to 32, or a list of addresses')
  return (_, hop) => hop < count
}

function byNetwork(networks: readonly string[]): Trusts {
  if (!Array.isArray(networks)) throw new TypeError('trustedProxies must be a number of hops or a list of addresses')
  const known = networks.map(networkIn)
  return (address, hop) => {
    const bits = bitsOf(address)
    return hop < mostHops && bits !== undefined && known.some(prefix => bits.startsWith(prefix))
  }
}

function networkIn(text: string): string {
  const [address = '', length, ...more] = text.split('/')
  const bits = bitsOf(address)
  const total = address.includes(':') ? 128 : 32
  const kept = length === undefined ? total : Number(length)
  if (bits === undefined || more.length > 0 || !/^\d{1,3}$/.test(length ?? '0') || kept > total)
    throw new TypeError('a trusted proxy is an address such as 192.0.2.1, or a network such as 10.0.0.0/8')
  return bits.slice(0, 128 - total + kept)
}

function addressesIn({ headers }: ReceivedMessage, name: string): string[] {
  const lines = headers.filter(([header]) => header.toLowerCase() === name).map(([, value]) => value)
  const entries = lines.join(',').split(',').slice(-mostHops)
  return entries.map(entry => addressOf(name === 'forwarded' ? (forOf(entry) ?? '') : entry.trim()))
}

/**
 * The `for` of one element of `Forwarded`. The header is split at every comma, in quoted strings too: only an element that the
 * caller invented can have one, and the proxy's own element, the last, stays whole.
 */
function forOf(element: string): string | undefined {
  const found = [...element.matchAll(/(?:^|;)\s*for=(?:"([^"\\]*)"|([^\s;"]*))\s*(?=;|$)/gi)]
  // An element with two `for` parameters names no address.
  return found.length === 1 ? (found[0]?.[1] ?? found[0]?.[2]) : undefined
}

/** The address without the port that some proxies add and without the brackets of an IPv6 address. */
function addressOf(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1]
  return bracketed ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text)?.[1] ?? text
}

/** The 128 bits of an address as text, with IPv4 mapped to IPv6; undefined when the text is no address. */
function bitsOf(address: string): string | undefined {
  const v4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(address)?.slice(1).map(Number)
  if (v4 !== undefined)
    return v4.some(part => part > 255) ? undefined : binary(16, [0, 0, 0, 0, 0, 0xffff]) + binary(8, v4)
  const [plain = ''] = address.split('%', 1)
  if (!/^[0-9a-f:]{2,39}$/i.test(plain)) return undefined
  const [head = '', tail, ...more] = plain.split('::')
  if (more.length > 0) return undefined
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right]
  if (groups.some(group => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return binary(
    16,
    groups.map(group => Number.parseInt(group, 16)),
  )
}

function binary(width: number, numbers: readonly number[]): string {
  return numbers.map(number => number.toString(2).padStart(width, '0')).join('')
}
