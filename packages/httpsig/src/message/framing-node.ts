import { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { refusal } from '../error.js'
import { headerValues, type ReceivedMessage } from './received-message.js'

// What is refused of the head of a request on Node, before anything is verified.

/**
 * Reads everything of a request but its body: for adapters that must take the body from elsewhere.
 * Without its bytes a message verifies as one that has no body: add them before it is verified.
 * @throws HttpSigError 431 where Node may have dropped header lines; 400 for framings two parsers read differently, or a `Host` that disagrees with `:authority`
 * @see protocol §3.3
 */
export function headFromNode(request: IncomingMessage | Http2ServerRequest): ReceivedMessage {
  checkWholeHead(request)
  const headers = headersOf(request)
  const peer = request.socket.remoteAddress
  const read = { method: request.method ?? '', target: request.url ?? '', headers }
  const message: ReceivedMessage = peer === undefined ? read : { ...read, peer }
  checkFraming(message)
  return message
}

function linesOf(raw: readonly string[]): Array<readonly [string, string]> {
  const lines: Array<readonly [string, string]> = []
  for (let i = 0; i + 1 < raw.length; i += 2) lines.push([raw[i] ?? '', raw[i + 1] ?? ''])
  return lines
}

/** Header lines without pseudo-headers; `:authority` becomes the host line when there is no other. */
function headersOf(request: IncomingMessage | Http2ServerRequest): Array<readonly [string, string]> {
  const all = linesOf(request.rawHeaders)
  // HTTP/1.1 has no pseudo-headers: its parser refuses such names.
  if (!('stream' in request)) return all
  const lines = all.filter(([name]) => !name.startsWith(':'))
  const authority = all.find(([name]) => name === ':authority')?.[1]
  if (authority === undefined) return lines
  const host = lines.find(([name]) => name.toLowerCase() === 'host')
  if (host === undefined) return [['host', authority], ...lines]
  // They must agree (RFC 9113 §8.3.1): a later layer could read the other one.
  if (host[1] !== authority) throw refusal('authority_ambiguous', { about: 'Host and :authority disagree' })
  return lines
}

/** Refuses framings that two parsers read differently (request smuggling). */
function checkFraming(message: ReceivedMessage): void {
  const lengths = headerValues(message, 'content-length')
  const codings = headerValues(message, 'transfer-encoding')
  if (lengths.length > 1 || (lengths[0] !== undefined && !/^\d+$/.test(lengths[0])))
    throw refusal('body_framing_invalid', { about: 'Content-Length' })
  if (codings.length > 1 || (codings[0] !== undefined && codings[0].toLowerCase() !== 'chunked'))
    throw refusal('body_framing_invalid', { about: 'Transfer-Encoding must be exactly chunked' })
  if (lengths.length > 0 && codings.length > 0) throw refusal('body_framing_invalid', { about: 'both are present' })
}

/** Header lines of an HTTP/1.1 request that Node keeps when the server sets no `maxHeadersCount`. */
const keptByDefault = 1000

/** The members of a connection that tell how many header lines its parser keeps. */
interface Connection {
  /** Internal to Node; counts names and values. Missing once a connection has changed its protocol. */
  readonly parser?: { readonly maxHeaderPairs?: unknown } | null
  readonly server?: { readonly maxHeadersCount?: unknown } | null
}

/**
 * Refuses a request when Node may have dropped some of its header lines. Node drops lines over `maxHeadersCount` silently, but frames
 * the body by a `Content-Length` that it dropped: a body added to a signed request by an attacker would not be noticed.
 * @throws HttpSigError 431
 */
function checkWholeHead(request: IncomingMessage | Http2ServerRequest): void {
  // HTTP/2 resets a stream that has too many.
  if ('stream' in request) return
  const most = keptLines(request.socket as Connection | null)
  if (most > 0 && request.rawHeaders.length >= 2 * most) throw refusal('header_lines_too_many')
}

/** How many lines the parser keeps; 0 or below when it keeps all. */
function keptLines(connection: Connection | null): number {
  const pairs = connection?.parser?.maxHeaderPairs
  if (typeof pairs === 'number') return pairs / 2
  const lines = connection?.server?.maxHeadersCount
  return typeof lines === 'number' ? lines : keptByDefault
}

/** Whether the framing of a request announces a body, which may still be empty. */
function announcesBody(request: IncomingMessage | Http2ServerRequest, message: ReceivedMessage): boolean {
  if ('stream' in request) return !request.stream.endAfterHeaders
  return (
    Number(headerValues(message, 'content-length')[0] ?? 0) > 0 || headerValues(message, 'transfer-encoding').length > 0
  )
}

/**
 * Whether it is certain that there is no body. The parser decides this, not the headers: a body that is taken for none would reach
 * the handler although no signature covers it (DIG-19). The parser reaches the end of a message without a body before the next
 * microtask runs, so callers wait for one microtask and nothing else.
 * @throws HttpSigError for a request that was cut off, TypeError for a body that is gone
 */
export function hasNoBody(request: IncomingMessage | Http2ServerRequest, message: ReceivedMessage): boolean {
  if (request instanceof IncomingMessage) {
    if (request.complete && request.readableLength === 0 && !request.readableDidRead) return true
  } else if ('stream' in request && request.stream.endAfterHeaders)
    // The header block had END_STREAM.
    return true
  if (!request.readableDidRead && !request.readableEnded && !request.destroyed) return false
  // A body that has been read before cannot be inspected. The parser frames by these headers, and none of them is missing.
  if (request.readableDidRead && !announcesBody(request, message)) return true
  if (request.readableDidRead)
    throw new TypeError(
      'the body was read before it could be verified: put the guard before what reads bodies, or have that keep them, as express.json({ verify: keepBody })',
    )
  throw refusal('request_cut_off')
}

/** Throws when something listens to the body already: it has got, or will get, bytes that are not verified. */
export function checkUntouched(request: IncomingMessage | Http2ServerRequest): void {
  const listens = request.listenerCount('data') + request.listenerCount('readable') > 0
  if (listens || request.readableFlowing === true || request.readableEncoding !== null)
    throw new TypeError('something reads the body already: peekNode must come first')
}
