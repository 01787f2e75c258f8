import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Azure's machine metadata service, though the address is in a public range. */
const azurePlatform = '168.63.129.16'

/** NAT64's well-known prefix (RFC 6052): DNS64 puts an IPv4-only host under it on an IPv6-only network. */
const translated: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('64:ff9b::'), 96]

/** 2000::/3, the space from which IANA assigns public addresses. */
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/**
 * Tells whether an IP address is on the public internet: not loopback, private, link-local, carrier-grade NAT,
 * multicast, documentation, benchmarking or otherwise reserved, and not a cloud's metadata service. IPv6 addresses that
 * carry an IPv4 address (mapped, compatible, 6to4, Teredo, ISATAP, local NAT64) are not public; an address under NAT64's
 * well-known prefix is public when the IPv4 address in it is. Any other text, unusual spellings and addresses with a zone
 * are not public.
 * @see protocol §10
 */
export function isPublicAddress(ip: string): boolean {
  const version = isIP(ip)
  // ipaddr.js also reads 127.1, 0x7f.1 and the like: only text that Node itself takes for an address may reach it.
  if (version === 0 || ip.includes('%')) return false
  if (version === 4) return ip !== azurePlatform && ipaddr.IPv4.parse(ip).range() === 'unicast'
  const address = ipaddr.IPv6.parse(ip)
  if (address.match(translated)) return isPublicAddress(address.toByteArray().slice(12).join('.'))
  // A list of what is allowed, not of what is refused: ::/8 has more ways to embed an IPv4 address than a list would name.
  return address.match(globalUnicast) && address.range() === 'unicast' && !carriesIsatap(address)
}

/** ISATAP (RFC 5214): a host with such a tunnel takes the last 32 bits as an IPv4 address. */
function carriesIsatap({ parts }: ipaddr.IPv6): boolean {
  return (parts[4] === 0 || parts[4] === 0x200) && parts[5] === 0x5efe
}

/** Tells whether an IP address is a loopback address in its usual spelling: 127.0.0.0/8 or ::1. */
export function isLoopbackAddress(ip: string): boolean {
  return isIP(ip) === 4 ? ip.startsWith('127.') : ip === '::1'
}
