import type { IncomingMessage } from 'node:http'
import { gatherBytes, signalledInTime } from '@countersign/httpsig/internal'
import { checkOptions, type OptionChecks, refusal } from '@countersign/protocol/internal'
import { withinDeadline } from './deadline.js'
import type { FetchedDocument, Fetcher } from './fetcher.js'
import { sendGuarded } from './guarded-connection.js'
import { documentTypes, isOneOf } from './media-type.js'
import { resolveAddresses } from './resolve-addresses.js'

/** How {@link guardedFetcher} differs from its safe defaults. */
export interface GuardedFetcherOptions {
  /**
   * Lets fetches reach this machine: `http` and `https` at `localhost`, `127.0.0.0/8`, `[::1]`, and https names that
   * resolve to them. For development on one machine only. Default: false.
   */
  readonly dangerouslyAllowLoopback?: boolean
  /** All addresses of a DNS name, none when it does not exist. Default: the system's name servers. */
  readonly resolve?: (host: string, options: { readonly signal: AbortSignal }) => Promise<string[]>
  /** Seconds for DNS, connection, TLS, headers and body together; above 0, at most 60. Default: 5. */
  readonly timeout?: number
  /** Media types whose bytes are read, in lower case. Default: `application/json` and `application/jwk-set+json`. */
  readonly mediaTypes?: readonly string[]
  /** PEM certificates trusted instead of the system's, for tests. Certificates are always verified. */
  readonly ca?: string
}

const checks: OptionChecks<GuardedFetcherOptions> = {
  dangerouslyAllowLoopback: 'boolean',
  resolve: 'function',
  timeout: 'number',
  mediaTypes: 'strings',
  ca: 'string',
}

/**
 * A {@link Fetcher} for URLs that strangers choose: https only, no redirects, DNS resolved once, every address checked and
 * the connection made to a checked one, certificates verified, one deadline for the whole fetch, size limited, JSON only
 * (unless `mediaTypes` says otherwise), no data of the caller sent.
 * @throws RangeError when `timeout` is out of range
 * @see protocol §10
 */
export function guardedFetcher(options: GuardedFetcherOptions = {}): Fetcher {
  checkOptions('guardedFetcher', options, checks)
  const { dangerouslyAllowLoopback: allowLoopback = false, resolve = resolveAddresses, timeout = 5, ca } = options
  const { mediaTypes = documentTypes } = options
  if (!(timeout > 0 && timeout <= 60)) throw new RangeError('timeout must be above 0 and at most 60 seconds')

  function send(url: string, signal: AbortSignal): Promise<IncomingMessage> {
    const request = { method: 'GET', headers: { accept: mediaTypes.join(', ') }, signal }
    return sendGuarded(url, request, { allowLoopback, resolve, ca })
  }

  return (url, { maxBytes, firstByte = timeout, signal: outer }) =>
    withinDeadline({ seconds: timeout, outer }, async signal => {
      const begins = { seconds: firstByte, outer: signal, late: beganLate }
      const response = await signalledInTime(begins, until => send(url, until))
      return readResponse(response, { maxBytes, mediaTypes })
    })
}

// Under this name, logs say "no answer in time".
const beganLate = (): DOMException => new DOMException('the response did not begin in time', 'TimeoutError')

async function readResponse(
  response: IncomingMessage,
  { maxBytes, mediaTypes }: { readonly maxBytes: number; readonly mediaTypes: readonly string[] },
): Promise<FetchedDocument> {
  const { statusCode: status = 0, headers, rawHeaders } = response
  const contentType = headers['content-type'] ?? ''
  const cacheControl = headers['cache-control']
  const head = { status, contentType, ...(cacheControl !== undefined && { cacheControl }) }
  // The bytes are read only when the response is a document.
  if (status !== 200 || !isOneOf(mediaTypes, contentType)) return { ...head, body: new Uint8Array() }
  const encoding = headers['content-encoding'] ?? 'identity'
  // No encoding was requested: a decompression bomb is refused before it is unpacked.
  if (encoding.toLowerCase() !== 'identity') throw refusal('document_too_large', { cause: { encoding } })
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw refusal('document_too_large', { cause: { maxBytes } })
  return { ...head, headers: linesOf(rawHeaders), body: await readBody(response, maxBytes) }
}

function linesOf(raw: readonly string[]): Array<[name: string, value: string]> {
  const lines: Array<[string, string]> = []
  for (let at = 0; at + 1 < raw.length; at += 2) lines.push([raw[at] ?? '', raw[at + 1] ?? ''])
  return lines
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const body = gatherBytes(maxBytes)
  for await (const chunk of response as AsyncIterable<Uint8Array>)
    if (!body.add(chunk)) throw refusal('document_too_large', { cause: { maxBytes } })
  return body.bytes()
}
