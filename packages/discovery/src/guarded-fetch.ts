import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { gatherBytes } from '@countersign/httpsig/internal'
import { checkOptions, type OptionChecks, refusal } from '@countersign/protocol/internal'
import { withinDeadline } from './deadline.js'
import { sendGuarded } from './guarded-connection.js'
import { resolveAddresses } from './resolve-addresses.js'

/** How {@link guardedFetch} differs from its safe defaults. */
export interface GuardedFetchOptions {
  /** Lets requests reach this machine, as the option of `guardedFetcher` does; for development only. Default: false. */
  readonly dangerouslyAllowLoopback?: boolean
  /** All addresses of a DNS name, none when it does not exist. Default: the system's name servers. */
  readonly resolve?: (host: string, options: { readonly signal: AbortSignal }) => Promise<string[]>
  /** Seconds for DNS, connection, TLS, headers and body together; above 0, at most 60. Default: 15. */
  readonly timeout?: number
  /** Bytes of a response; a larger one is an error. Default: 64 KiB. */
  readonly maxBytes?: number
  /** PEM certificates trusted instead of the system's, for tests. Certificates are always verified. */
  readonly ca?: string
}

const checks: OptionChecks<GuardedFetchOptions> = {
  dangerouslyAllowLoopback: 'boolean',
  resolve: 'function',
  timeout: 'number',
  maxBytes: 'number',
  ca: 'string',
}

/** The members of `RequestInit` that are supported. */
export interface GuardedInit {
  readonly method?: string
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal
}

/** Sends one request and returns the whole response; a redirect is not followed. */
export type GuardedFetch = (url: string, init?: GuardedInit) => Promise<Response>

/**
 * A `fetch` for endpoints that strangers name in their metadata, such as token endpoints. The addresses of a name are checked when
 * the connection is made, so that a name which has come to point to a private address (rebinding) is not reached. https only, no
 * redirects, no cookies, one deadline for the whole request, the response bounded and in memory.
 * @throws RangeError when `timeout` or `maxBytes` is out of range
 * @see protocol §10
 */
export function guardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  checkOptions('guardedFetch', options, checks)
  const { dangerouslyAllowLoopback: allowLoopback = false, resolve = resolveAddresses, ca } = options
  const { timeout = 15, maxBytes = 64 * 1024 } = options
  if (!(timeout > 0 && timeout <= 60)) throw new RangeError('timeout must be above 0 and at most 60 seconds')
  if (!(maxBytes > 0)) throw new RangeError('maxBytes must be above 0')
  return (url, { method = 'GET', headers = [], body, signal: outer } = {}) =>
    withinDeadline({ seconds: timeout, outer }, async signal => {
      const length = body === undefined ? {} : { 'content-length': String(body.byteLength) }
      const sent = { ...Object.fromEntries(headers), ...length }
      const answer = await sendGuarded(url, { method, headers: sent, body, signal }, { allowLoopback, resolve, ca })
      return responseOf(answer, maxBytes)
    })
}

const bodiless: ReadonlySet<number> = new Set([204, 205, 304])

async function responseOf(answer: IncomingMessage, maxBytes: number): Promise<Response> {
  const { statusCode: status = 0, headers } = answer
  if (status < 200 || status > 599) throw refusal('document_too_large', { cause: { status } })
  if (bodiless.has(status)) {
    answer.resume()
    return new Response(null, { status, headers: fieldsOf(headers) })
  }
  const encoding = headers['content-encoding'] ?? 'identity'
  // No encoding was requested: a decompression bomb is refused before it is unpacked.
  if (encoding.toLowerCase() !== 'identity') throw refusal('document_too_large', { cause: { encoding } })
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw refusal('document_too_large', { cause: { maxBytes } })
  const body = gatherBytes(maxBytes)
  for await (const chunk of answer as AsyncIterable<Uint8Array>)
    if (!body.add(chunk)) throw refusal('document_too_large', { cause: { maxBytes } })
  return new Response(new Uint8Array(body.bytes()), { status, headers: fieldsOf(headers) })
}

function fieldsOf(headers: IncomingHttpHeaders): Array<[name: string, value: string]> {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  )
}
