import { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { checkOptions } from '#check-options'
import { isWhole } from './digest/checked-body-node.js'
import { HttpSigError } from './error.js'
import { peekArrived, takeArrived } from './message/arrived-body-node.js'
import { checkWholeHead } from './message/framing-node.js'
import { gather } from './message/gather-node.js'
import { type HeadWatch, watchHead, withReadBody } from './message/head-watch.js'
import { withKeptBody } from './message/kept-body-node.js'
import { mergeChunks, mergeEarly } from './message/merged-chunks-node.js'
import {
  bodyTooLarge,
  collectBody,
  headerValues,
  type JudgeHead,
  type ReceivedMessage,
  withUnseenBody,
} from './message/received-message.js'
import { isSigned } from './signature/signature-lines.js'

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
  if (host[1] !== authority)
    throw new HttpSigError('invalid_request', 'Host and :authority disagree', { reason: 'authority_ambiguous' })
  return lines
}

/** Refuses framings that two parsers read differently (request smuggling). */
function checkFraming(message: ReceivedMessage): void {
  const lengths = headerValues(message, 'content-length')
  const codings = headerValues(message, 'transfer-encoding')
  if (lengths.length > 1 || (lengths[0] !== undefined && !/^\d+$/.test(lengths[0])))
    throw new HttpSigError('invalid_request', 'Content-Length is repeated or malformed', {
      reason: 'body_framing_invalid',
    })
  if (codings.length > 1 || (codings[0] !== undefined && codings[0].toLowerCase() !== 'chunked'))
    throw new HttpSigError('invalid_request', 'Transfer-Encoding is not exactly chunked', {
      reason: 'body_framing_invalid',
    })
  if (lengths.length > 0 && codings.length > 0)
    throw new HttpSigError('invalid_request', 'Content-Length and Transfer-Encoding stand together', {
      reason: 'body_framing_invalid',
    })
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
function hasNoBody(request: IncomingMessage | Http2ServerRequest, message: ReceivedMessage): boolean {
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
  throw new HttpSigError('invalid_request', 'the request was cut off', { reason: 'request_cut_off' })
}

function readBody(
  request: IncomingMessage | Http2ServerRequest,
  limit: number,
  watch: HeadWatch,
): Promise<Uint8Array | undefined> {
  const body = collectBody(limit)
  return gather(request, {
    watch,
    on: 'data',
    part(chunk) {
      body.add(chunk)
      return undefined
    },
    end: body.bytes,
  })
}

/** Reads the bytes and puts them back before the stream signals its end. */
function peekBody(
  request: IncomingMessage | Http2ServerRequest,
  limit: number,
  watch: HeadWatch,
): Promise<Uint8Array | undefined> {
  checkUntouched(request)
  const body = collectBody(limit)
  return gather(request, {
    watch,
    on: 'readable',
    part() {
      for (let chunk = request.read(); chunk !== null; chunk = request.read()) body.add(chunk as Uint8Array)
      const bytes = isWhole(request) ? body.bytes() : undefined
      // The same memory, so that the body is not held twice.
      if (bytes !== undefined) request.unshift(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
      return bytes
    },
    end() {
      // The body would be verified, but the handler would get an empty one.
      if (body.bytes() !== undefined) throw new TypeError('the body of this request cannot be read twice')
      return undefined
    },
  })
}

/** Waits for the first byte of a body and puts it back. @returns whether there is one */
async function peekByte(request: IncomingMessage | Http2ServerRequest): Promise<boolean> {
  checkUntouched(request)
  const first = await gather(request, {
    on: 'readable',
    part() {
      const chunk: Uint8Array | null = request.read()
      if (chunk === null) return undefined
      request.unshift(chunk)
      return chunk
    },
    end: () => undefined,
  })
  return first !== undefined
}

/** Throws when something listens to the body already: it has got, or will get, bytes that are not verified. */
function checkUntouched(request: IncomingMessage | Http2ServerRequest): void {
  const listens = request.listenerCount('data') + request.listenerCount('readable') > 0
  if (listens || request.readableFlowing === true || request.readableEncoding !== null)
    throw new TypeError('something reads the body already: peekNode must come first')
}

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

// Made once, since both functions run for each request.
const needsLimit = ['bodyLimit'] as const
const peekChecks = { bodyLimit: 'number', judgeHead: 'function' } as const
const fromChecks = { ...peekChecks, requestId: 'string' } as const

/**
 * Reads a request of `node:http` or `node:http2` exactly as received: raw target, every header line, the bytes of the body whatever
 * their framing. Nothing may have read the body before.
 * @param options.bodyLimit most body bytes read
 * @param options.requestId names the request in logs and events
 * @param options.judgeHead decides by the head how much of the body is read; default all
 * @throws HttpSigError 413 when the body is larger; 431 where Node may have dropped header lines; 400 for framings two parsers read differently, a `Host` that disagrees with `:authority`, or a request cut off
 * @throws TypeError when something has read the body before
 * @see protocol §3.3
 */
export async function fromNode(
  request: IncomingMessage | Http2ServerRequest,
  options: { readonly bodyLimit: number; readonly requestId?: string; readonly judgeHead?: JudgeHead },
): Promise<ReceivedMessage> {
  checkOptions('fromNode', options, fromChecks, needsLimit)
  const { bodyLimit: limit, requestId, judgeHead } = options
  const head = headFromNode(request)
  const message = requestId === undefined ? head : { ...head, requestId }
  const kept = keptOrTooLarge(request, message, limit)
  if (kept !== undefined) return kept
  await undefined
  return hasNoBody(request, message)
    ? message
    : withBody(request, message, { limit, arrived: takeArrived, read: readBody, judgeHead })
}

/**
 * As {@link fromNode}, but leaves the body in the request: the next reader (events, a pipe, a body parser) gets exactly the bytes
 * of the message. An empty body, whatever its framing, has ended when this resolves.
 * @param options.bodyLimit most body bytes read
 * @throws HttpSigError as `fromNode`
 * @throws TypeError when something has read the body before, or has begun to
 * @see protocol §3.3
 */
export async function peekNode(
  request: IncomingMessage | Http2ServerRequest,
  options: { readonly bodyLimit: number; readonly judgeHead?: JudgeHead },
): Promise<ReceivedMessage> {
  checkOptions('peekNode', options, peekChecks, needsLimit)
  const { bodyLimit: limit, judgeHead } = options
  const message = headFromNode(request)
  const kept = keptOrTooLarge(request, message, limit)
  if (kept !== undefined) return kept
  await undefined
  return hasNoBody(request, message)
    ? message
    : withBody(request, message, { limit, arrived: peekArrived, read: peekBody, judgeHead })
}

/** A request whose body has not been read. */
export interface UnreadMessage {
  readonly message: ReceivedMessage
  /** There may be a body. */
  readonly isUnread: boolean
}

/**
 * As {@link peekNode}, but does not read the body of an unsigned request, or one that has a digest: `checkBody` then makes sure that
 * its reader gets the body that was signed. For a signed request without digest it waits for the first byte, which no signature
 * covers, or for the end. From then on small chunks are merged while they wait for a reader.
 * @throws HttpSigError and TypeError as `peekNode`
 * @see protocol §3.4
 */
export async function unreadNode(request: IncomingMessage | Http2ServerRequest): Promise<UnreadMessage> {
  const head = headFromNode(request)
  const kept = withKeptBody(request, head, () => false)
  if (kept !== undefined) return { message: kept, isUnread: false }
  mergeChunks(request)
  await undefined
  if (hasNoBody(request, head)) return { message: head, isUnread: false }
  checkUntouched(request)
  mergeEarly(request)
  const isCovered = !isSigned(head) || headerValues(head, 'content-digest').length > 0
  if (isCovered) return { message: withUnseenBody(head), isUnread: true }
  const first = await peekByte(request)
  return first
    ? { message: { ...head, dangerouslyUnseenBody: true }, isUnread: true }
    : { message: head, isUnread: false }
}

interface Reading {
  readonly limit: number
  readonly arrived: typeof takeArrived
  readonly read: typeof readBody
  readonly judgeHead: JudgeHead | undefined
}

/** The message with the body that a parser has kept; undefined when none has. @throws HttpSigError for a body over the limit */
function keptOrTooLarge(
  request: IncomingMessage | Http2ServerRequest,
  message: ReceivedMessage,
  limit: number,
): ReceivedMessage | undefined {
  if (Number(headerValues(message, 'content-length')[0] ?? 0) > limit) throw bodyTooLarge()
  return withKeptBody(request, message, length => length > limit)
}

async function withBody(
  request: IncomingMessage | Http2ServerRequest,
  message: ReceivedMessage,
  { limit, arrived, read, judgeHead }: Reading,
): Promise<ReceivedMessage> {
  // Even where the whole body has come: what reads a body to find its rule must not parse one whose signature is wrong (COV-46).
  const judged = judgeHead?.(message) ?? 'whole'
  if (judged === 'byte') return (await peekByte(request)) ? { ...message, dangerouslyUnseenBody: true } : message
  if (judged !== 'whole' && !('refused' in judged)) return judged
  const pending = judged === 'whole' ? undefined : judged
  const whole = arrived(request, limit)
  if (whole !== undefined) return (await pending?.refused) ?? withReadBody(message, whole, pending)
  const watch = watchHead(pending)
  const body = await read(request, limit, watch)
  return watch.refused ?? withReadBody(message, body, pending)
}
