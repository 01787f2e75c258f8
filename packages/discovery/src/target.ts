import { isIP } from 'node:net'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { isLoopbackAddress } from './public-address.js'

/** The target of a fetch, from a URL that may be fetched. */
export interface Target {
  readonly scheme: 'https' | 'http'
  /** A DNS name, or a loopback address without brackets. */
  readonly host: string
  readonly port: number
  /** Path and query. */
  readonly path: string
  /** The addresses of a loopback host, which are known without DNS. */
  readonly addresses?: readonly string[]
}

/** Names for hosts inside a network, whatever a resolver answers for them. */
const insideSuffix = /(?:^|\.)(?:localhost|internal|intranet|private|local|lan|home|corp|svc|onion|alt|home\.arpa)$/

/**
 * Ports of services that send first or accept text commands, which could take bytes of a TLS hello for commands:
 * the list of the Fetch standard, and databases, caches and control planes.
 */
const blockedPorts: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 80, 87, 95, 101, 102, 103, 104, 109,
  110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526, 530,
  531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1433, 1521, 1719, 1720, 1723, 1883, 2049, 2181,
  2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5672, 5900, 6000, 6379, 6566, 6665, 6666,
  6667, 6668, 6669, 6679, 6697, 9042, 9092, 9200, 9300, 10080, 10250, 10255, 11211, 27017,
])

const defaultPort = { https: 443, http: 80 } as const

/**
 * Decides from a URL alone whether it may be fetched, before any packet is sent.
 * @throws AAuthError `discovery_failed` (401)
 * @see protocol §10
 */
export function targetOf(url: string, options: { readonly allowLoopback: boolean }): Target {
  const parsed = parse(url)
  const scheme = parsed.protocol === 'https:' ? 'https' : 'http'
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  const port = parsed.port === '' ? defaultPort[scheme] : Number(parsed.port)
  const target = { scheme, host, port, path: parsed.pathname + parsed.search } as const
  const isDefaultPort = port === defaultPort[scheme]
  if (blockedPorts.has(port) && !(isDefaultPort && options.allowLoopback))
    throw refused({ url, why: 'port not allowed' })
  const loopback = loopbackAddresses(host)
  if (loopback !== undefined && options.allowLoopback) return { ...target, addresses: loopback }
  if (scheme === 'http') throw refused({ url, why: 'scheme not allowed' })
  if (!isPublicName(host)) throw refused({ url, why: 'host not allowed' })
  return target
}

/** The refusal of a URL or address; the message is always the same, so that a stranger learns nothing about our network. */
export function refused(cause: Readonly<Record<string, unknown>>): AAuthError {
  return refusal('address_not_allowed', { cause })
}

function parse(url: string): URL {
  // The URL parser repairs tabs, backslashes and full-width letters: the URL it fetches is not the text that others checked.
  if (!/^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/.test(url) || !URL.canParse(url))
    throw refused({ url, why: 'syntax not allowed' })
  const parsed = new URL(url)
  // Also refuses userinfo, upper case, a default port and a third slash: such a URL leads to another host than its text suggests.
  const isAsWritten = url.startsWith(parsed.origin) && /^[/?]?$/.test(url.charAt(parsed.origin.length))
  if (!isAsWritten || url.includes('#')) throw refused({ url, why: 'syntax not allowed' })
  return parsed
}

function loopbackAddresses(host: string): readonly string[] | undefined {
  // `localhost` is not resolved: a search domain or a hosts file could give it another address.
  if (host === 'localhost') return ['127.0.0.1', '::1']
  return isLoopbackAddress(host) ? [host] : undefined
}

/** At least two labels, no IP address, no final dot (`localhost.` is `localhost`), no suffix of internal names. */
function isPublicName(host: string): boolean {
  return isIP(host) === 0 && host.includes('.') && !host.endsWith('.') && !insideSuffix.test(host)
}
