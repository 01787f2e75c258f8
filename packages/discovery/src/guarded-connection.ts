import * as http from 'node:http'
import * as https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isLoopbackAddress, isPublicAddress } from './public-address.js'
import { refused, type Target, targetOf } from './target.js'

/** Decides which addresses a connection may go to. */
export interface GuardedConnection {
  readonly allowLoopback: boolean
  readonly resolve: (host: string, options: { readonly signal: AbortSignal }) => Promise<string[]>
  /** PEM certificates trusted instead of the system's. */
  readonly ca?: string | undefined
}

/** One request over a guarded connection. */
export interface GuardedRequest {
  readonly method: string
  readonly headers: http.OutgoingHttpHeaders
  readonly body?: Uint8Array | undefined
  readonly signal: AbortSignal
}

/** Addresses of a name that are tried, one after the other: a name with very many must not use up the deadline. */
const maxAttempts = 8
/** Node's default of 250 ms for an address would give up on hosts that are merely far away. */
const attempts = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 1000 } as const

/**
 * Sends one request to a URL that a stranger may have chosen: https only, DNS resolved once, every address checked and the
 * connection made to a checked one, certificates verified. A redirect is returned as a response and not followed.
 * @throws AAuthError `discovery_failed` (401) when the URL or one of its addresses may not be fetched
 */
export async function sendGuarded(
  url: string,
  request: GuardedRequest,
  { allowLoopback, resolve, ca }: GuardedConnection,
): Promise<http.IncomingMessage> {
  const target = targetOf(url, { allowLoopback })
  const addresses = target.addresses ?? (await explainDnsError(resolve(target.host, { signal: request.signal })))
  request.signal.throwIfAborted()
  checkAddresses(addresses, { url, allowLoopback })
  try {
    return await openRequest(target, request, { addresses, ca })
  } catch (error) {
    throw explainNetworkError(error)
  }
}

async function explainDnsError(addresses: Promise<string[]>): Promise<string[]> {
  try {
    return await addresses
  } catch (error) {
    throw error instanceof Error && error.name === 'Error'
      ? Object.assign(error, { why: 'DNS does not answer' })
      : error
  }
}

/** The meanings of network errors, by Node's code. */
const meanings: ReadonlyArray<readonly [code: RegExp, why: string]> = [
  [/^ECONNREFUSED$/, 'connection refused'],
  [/^(ECONNRESET|EPIPE)$/, 'connection closed'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, 'no way to its network'],
  [/^ETIMEDOUT$/, 'no answer in time'],
  [/^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO)/, 'TLS'],
]

/** The same error with `why`: the reason in words for the operator. */
function explainNetworkError(error: unknown): unknown {
  // When several addresses were tried, Node reports one AggregateError.
  const [first = error]: unknown[] = error instanceof AggregateError ? error.errors : []
  const code: unknown = Object(first).code
  if (!(error instanceof Error) || typeof code !== 'string') return error
  const meaning = meanings.find(([pattern]) => pattern.test(code))?.[1]
  if (meaning === undefined) return error
  return Object.assign(error, { why: meaning === 'TLS' ? `TLS: ${code}` : meaning })
}

/**
 * Refuses when ANY address is not public: a name with one private address is an attack on that address. A name without addresses
 * gets the same refusal, so that strangers cannot find out which internal names exist.
 */
function checkAddresses(addresses: readonly string[], o: { url: string; allowLoopback: boolean }): void {
  const isAllowed = (ip: string) => isPublicAddress(ip) || (o.allowLoopback && isLoopbackAddress(ip))
  const isKnown = addresses.length > 0
  if (isKnown && addresses.every(isAllowed)) return
  throw refused({ url: o.url, addresses, why: isKnown ? 'address not allowed' : 'no address in DNS' })
}

function openRequest(
  target: Target,
  { method, headers, body, signal }: GuardedRequest,
  { addresses, ca }: { readonly addresses: readonly string[]; readonly ca?: string | undefined },
): Promise<http.IncomingMessage> {
  const options: https.RequestOptions = {
    method,
    hostname: target.host,
    port: target.port,
    path: target.path,
    headers: { ...headers, 'accept-encoding': 'identity', 'user-agent': 'aauth' },
    // An HTTP agent of its own: a pooled connection or a proxy from the environment would bypass the address check.
    agent:
      target.scheme === 'https' ? new https.Agent({ ...attempts, maxCachedSessions: 0 }) : new http.Agent(attempts),
    // Node connects to the checked addresses and does not resolve the name again: a second DNS answer could differ (rebinding).
    lookup: lookupAmong(addresses.slice(0, maxAttempts)),
    maxHeaderSize: 16 * 1024,
    insecureHTTPParser: false,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    signal,
    ca,
  }
  return new Promise((resolve, reject) => {
    const request = target.scheme === 'https' ? https.request(options) : http.request(options)
    request.once('response', resolve)
    // The listener stays for later errors: an aborted request must not become an uncaught exception.
    request.on('error', reject)
    // When the server switches protocols there is no response, and not always an error.
    request.on('close', () => reject(new Error('the connection ended without a response')))
    request.end(body)
  })
}

function lookupAmong(addresses: readonly string[]): LookupFunction {
  const all = addresses.map(address => ({ address, family: isIP(address) }))
  return (_hostname, options, callback) => {
    const first = all[0]
    process.nextTick(() => {
      if (options.all) callback(null, all)
      else if (first === undefined) callback(new Error('no address'), '')
      else callback(null, first.address, first.family)
    })
  }
}
