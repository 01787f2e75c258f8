/** One block that no document may be fetched from: prefix, its length, and what it is for. */
export type Block = readonly [prefix: string, length: number, purpose: string]

/**
 * IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its updates), all entries, and multicast (IANA IPv4 Multicast
 * Address Space Registry). Anycast services that the registry calls globally reachable (AS112, AMT, PCP, TURN) are in it:
 * they are no hosts of documents.
 */
export const specialIPv4: readonly Block[] = [
  ['0.0.0.0', 8, 'this network'],
  ['10.0.0.0', 8, 'private use'],
  ['100.64.0.0', 10, 'shared address space'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link local'],
  ['172.16.0.0', 12, 'private use'],
  ['192.0.0.0', 24, 'IETF protocol assignments'],
  ['192.0.2.0', 24, 'documentation (TEST-NET-1)'],
  ['192.31.196.0', 24, 'AS112-v4'],
  ['192.52.193.0', 24, 'AMT'],
  ['192.88.99.0', 24, 'deprecated 6to4 relay anycast'],
  ['192.168.0.0', 16, 'private use'],
  ['192.175.48.0', 24, 'direct delegation AS112 service'],
  ['198.18.0.0', 15, 'benchmarking'],
  ['198.51.100.0', 24, 'documentation (TEST-NET-2)'],
  ['203.0.113.0', 24, 'documentation (TEST-NET-3)'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
  ['255.255.255.255', 32, 'limited broadcast'],
]

/** Not in any registry: public numbers that are a platform's own service inside its machines. */
export const platformIPv4: readonly Block[] = [['168.63.129.16', 32, 'Azure platform']]

/** IANA IPv6 Special-Purpose Address Registry, all entries inside the global unicast space 2000::/3. */
export const specialIPv6: readonly Block[] = [
  ['2001::', 23, 'IETF protocol assignments'],
  ['2001::', 32, 'Teredo'],
  ['2001:1::1', 128, 'PCP anycast'],
  ['2001:1::2', 128, 'TURN anycast'],
  ['2001:1::3', 128, 'DNS-SD SRP anycast'],
  ['2001:2::', 48, 'benchmarking'],
  ['2001:3::', 32, 'AMT'],
  ['2001:4:112::', 48, 'AS112-v6'],
  ['2001:10::', 28, 'deprecated ORCHID'],
  ['2001:20::', 28, 'ORCHIDv2'],
  ['2001:30::', 28, 'drone remote identification'],
  ['2001:db8::', 32, 'documentation'],
  ['2002::', 16, '6to4'],
  ['2620:4f:8000::', 48, 'direct delegation AS112 service'],
  ['3fff::', 20, 'documentation'],
]

/** The same registry outside 2000::/3, multicast, and other blocks that ever had a meaning there. */
export const outsideIPv6: readonly Block[] = [
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['::', 96, 'deprecated IPv4-compatible'],
  ['::ffff:0:0', 96, 'IPv4-mapped'],
  ['::ffff:0:0:0', 96, 'IPv4-translated (RFC 2765)'],
  ['64:ff9b:1::', 48, 'local-use IPv4/IPv6 translation'],
  ['100::', 64, 'discard only'],
  ['100:0:0:1::', 64, 'dummy prefix'],
  ['200::', 7, 'deprecated OSI NSAP-mapped'],
  ['400::', 7, 'once Novell IPX'],
  ['5f00::', 16, 'segment routing'],
  ['fc00::', 7, 'unique local'],
  ['fe80::', 10, 'link local'],
  ['fec0::', 10, 'deprecated site local'],
  ['ff00::', 8, 'multicast'],
]

/** NAT64's well-known prefix: judged by the IPv4 address inside. */
export const translated: Block = ['64:ff9b::', 96, 'IPv4/IPv6 translation']

const globalUnicast: Block = ['2000::', 3, 'global unicast']

interface Range {
  readonly first: bigint
  readonly last: bigint
}

/** The number that an IPv4 address in dotted decimal spells. */
export function numberOfIPv4(text: string): bigint {
  return text.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n)
}

/** The number that an IPv6 address spells; a dotted tail is allowed. */
export function numberOfIPv6(text: string): bigint {
  const dotted = /^(.*:)([0-9.]+\.[0-9]+)$/.exec(text)
  const tail = dotted === null ? 0n : numberOfIPv4(dotted[2] ?? '')
  const plain = dotted === null ? text : `${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`
  const [head = '', rest] = plain.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [left, right] = [groups(head), groups(rest ?? '')]
  const zeros = rest === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
}

/** The dotted decimal spelling of a number. */
export function ipv4Of(number: bigint): string {
  return [24n, 16n, 8n, 0n].map(shift => String((number >> shift) & 0xffn)).join('.')
}

/** The spelling of a number as eight groups, nothing left out. */
export function ipv6Of(number: bigint): string {
  return [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map(shift => ((number >> shift) & 0xffffn).toString(16)).join(':')
}

/** First and last number of a block. */
export function rangeOf([prefix, length]: Block): Range {
  const [bits, first] = prefix.includes(':') ? [128, numberOfIPv6(prefix)] : [32, numberOfIPv4(prefix)]
  return { first, last: first + (1n << BigInt(bits - length)) - 1n }
}

const specialRangesIPv4 = [...specialIPv4, ...platformIPv4].map(rangeOf)
const specialRangesIPv6 = specialIPv6.map(rangeOf)
const [translatedRange, globalUnicastRange] = [rangeOf(translated), rangeOf(globalUnicast)]
const isIn = (number: bigint, { first, last }: Range): boolean => number >= first && number <= last

/** The oracle for IPv4: an address is public when no list names it. */
export function isPublicIPv4(number: bigint): boolean {
  return !specialRangesIPv4.some(range => isIn(number, range))
}

/** The oracle for IPv6: an address is public when it is global unicast, in no list, and no ISATAP address. */
export function isPublicIPv6(number: bigint): boolean {
  if (isIn(number, translatedRange)) return isPublicIPv4(number & 0xffff_ffffn)
  const interfaceId = (number >> 32n) & 0xfdff_ffffn
  return (
    isIn(number, globalUnicastRange) && !specialRangesIPv6.some(range => isIn(number, range)) && interfaceId !== 0x5efen
  )
}
