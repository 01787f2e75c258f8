import * as http from 'node:http'
import * as https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isLoopbackAddress, isPublicAddress } from './public-address.js'
import { refused, type Target, targetOf } from './target.js'

/** What decides where a connection may lead. */
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

/** Connections are tried one after the other; a name with very many addresses must not use up the deadline. */
const maxAttempts = 8
/** Node's own 250 ms an address gives up on hosts that are merely far away. */
const attempts = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 1000 } as const

/**
 * Sends one request to a URL that a stranger may have chosen: https only, DNS resolved once, every address checked and the
 * connection made to a checked one, certificates verified. A redirect is an answer like any other.
 * @throws AAuthError `discovery_failed` (401) where the URL or an address may not be asked
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
    return await openRequest(target, request, { addresses, ...(ca !== undefined && { ca }) })
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

/** What a network error means, by Node's code for it. */
const meanings: ReadonlyArray<readonly [code: RegExp, why: string]> = [
  [/^ECONNREFUSED$/, 'connection refused'],
  [/^(ECONNRESET|EPIPE)$/, 'connection closed'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, 'no way to its network'],
  [/^ETIMEDOUT$/, 'no answer in time'],
  [/^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO)/, 'TLS'],
]

/** The error with `why`, in words for whoever runs this. */
function explainNetworkError(error: unknown): unknown {
  // Tried address by address, it is one error about all of them.
  const [first = error]: unknown[] = error instanceof AggregateError ? error.errors : []
  const code: unknown = Object(first).code
  if (!(error instanceof Error) || typeof code !== 'string') return error
  const meaning = meanings.find(([pattern]) => pattern.test(code))?.[1]
  if (meaning === undefined) return error
  return Object.assign(error, { why: meaning === 'TLS' ? `TLS: ${code}` : meaning })
}

/**
 * Refuses when ANY address is not public: a name with one address inside is aimed at it. A name without addresses gets the
 * same refusal, so that the answers do not tell which names exist inside.
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
  { addresses, ca }: { readonly addresses: readonly string[]; readonly ca?: string },
): Promise<http.IncomingMessage> {
  const options: https.RequestOptions = {
    method,
    hostname: target.host,
    port: target.port,
    path: target.path,
    headers: { ...headers, 'accept-encoding': 'identity', 'user-agent': 'aauth' },
    // Its own agent: no pooled connection, no proxy of the environment, would go round the address check.
    agent:
      target.scheme === 'https' ? new https.Agent({ ...attempts, maxCachedSessions: 0 }) : new http.Agent(attempts),
    // The only addresses Node ever learns are the checked ones: a second DNS answer (rebinding) is never asked for.
    lookup: lookupAmong(addresses.slice(0, maxAttempts)),
    maxHeaderSize: 16 * 1024,
    insecureHTTPParser: false,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    signal,
    ...(ca !== undefined && { ca }),
  }
  return new Promise((resolve, reject) => {
    const request = target.scheme === 'https' ? https.request(options) : http.request(options)
    request.once('response', resolve)
    // Stays for later errors too: an aborted request must not become an uncaught exception.
    request.on('error', reject)
    // An answer that switches protocols is no response, and not always an error.
    request.on('close', () => reject(new Error('the connection ended without an answer')))
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
