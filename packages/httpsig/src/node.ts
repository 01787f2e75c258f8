import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { HttpSigError } from './error.js'
import { bodyTooLarge, collectBody, headerValues, type ReceivedMessage } from './received-message.js'

export { verifyAndSignOn } from './crypto-node.js'

function linesOf(raw: readonly string[]): Array<readonly [string, string]> {
  const lines: Array<readonly [string, string]> = []
  for (let i = 0; i + 1 < raw.length; i += 2) lines.push([raw[i] ?? '', raw[i + 1] ?? ''])
  return lines
}

/** Header lines without pseudo-headers; `:authority` becomes the host line when there is none. */
function headersOf(request: IncomingMessage | Http2ServerRequest): Array<readonly [string, string]> {
  const all = linesOf(request.rawHeaders)
  const lines = all.filter(([name]) => !name.startsWith(':'))
  const authority = all.find(([name]) => name === ':authority')?.[1]
  if (authority === undefined) return lines
  const host = lines.find(([name]) => name.toLowerCase() === 'host')
  if (host === undefined) return [['host', authority], ...lines]
  // RFC 9113 §8.3.1: they must agree; a later layer might read the other one.
  if (host[1] !== authority) throw new HttpSigError('invalid_request', 'Host and :authority disagree')
  return lines
}

/** Refuses framings that two parsers read differently: request smuggling. */
function checkFraming(message: ReceivedMessage): void {
  const lengths = headerValues(message, 'content-length')
  const codings = headerValues(message, 'transfer-encoding')
  if (lengths.length > 1 || (lengths[0] !== undefined && !/^\d+$/.test(lengths[0])))
    throw new HttpSigError('invalid_request', 'Content-Length is repeated or malformed')
  if (codings.length > 1 || (codings[0] !== undefined && codings[0].toLowerCase() !== 'chunked'))
    throw new HttpSigError('invalid_request', 'Transfer-Encoding is not exactly chunked')
  if (lengths.length > 0 && codings.length > 0)
    throw new HttpSigError('invalid_request', 'Content-Length and Transfer-Encoding stand together')
}

function announcesBody(request: IncomingMessage | Http2ServerRequest, message: ReceivedMessage): boolean {
  if ('stream' in request) return !request.stream.endAfterHeaders
  return (
    Number(headerValues(message, 'content-length')[0] ?? 0) > 0 || headerValues(message, 'transfer-encoding').length > 0
  )
}

/** A body that is gone must not pass for none: it would reach the handler although no signature covers it. */
function nothingToRead(request: IncomingMessage | Http2ServerRequest, message: ReceivedMessage): boolean {
  if (!request.readableDidRead && !request.readableEnded && !request.destroyed) return false
  if (!announcesBody(request, message)) return true
  if (request.readableDidRead) throw new TypeError('the body was read before: fromNode must come first')
  throw new HttpSigError('invalid_request', 'the request was cut off')
}

function readBody(request: IncomingMessage | Http2ServerRequest, limit: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const body = collectBody(limit)
    const stop = (): void => {
      request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
    }
    const onData = (chunk: Uint8Array): void => {
      try {
        body.add(chunk)
      } catch (error) {
        stop()
        // Not destroyed: the refusal must still reach the client.
        request.pause()
        reject(error as Error)
      }
    }
    const onEnd = (): void => {
      stop()
      resolve(body.bytes())
    }
    const onError = (cause: Error): void => {
      stop()
      reject(new HttpSigError('invalid_request', 'the body could not be read', { cause }))
    }
    const onClose = (): void => {
      stop()
      reject(new HttpSigError('invalid_request', 'the request was cut off'))
    }
    request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  })
}

/**
 * Reads everything of a request but its body: for adapters that must take the body from elsewhere.
 * A message without its body verifies as one that has none, so add the bytes before it is verified.
 * @throws HttpSigError 400 for framings two parsers read differently, or a `Host` that disagrees with `:authority`
 * @see docs/protocol.md §3.3
 */
export function headFromNode(request: IncomingMessage | Http2ServerRequest): ReceivedMessage {
  const headers = headersOf(request)
  const peer = request.socket.remoteAddress
  const message: ReceivedMessage = {
    method: request.method ?? '',
    target: request.url ?? '',
    headers,
    ...(peer === undefined ? {} : { peer }),
  }
  checkFraming(message)
  return message
}

/**
 * Reads a request of `node:http` or `node:http2` exactly as it came: raw target, every header line, the body's bytes whatever their framing.
 * Nothing may have read the body before.
 * @param options.bodyLimit most body bytes read
 * @param options.requestId names the request in logs and events
 * @throws HttpSigError 413 when the body is larger; 400 for framings two parsers read differently, a `Host` that disagrees with `:authority`, or a request cut off
 * @throws TypeError when something has read the body before
 * @see docs/protocol.md §3.3
 */
export async function fromNode(
  request: IncomingMessage | Http2ServerRequest,
  options: { readonly bodyLimit: number; readonly requestId?: string },
): Promise<ReceivedMessage> {
  const { requestId } = options
  const head = headFromNode(request)
  const message = requestId === undefined ? head : { ...head, requestId }
  if (Number(headerValues(message, 'content-length')[0] ?? 0) > options.bodyLimit) throw bodyTooLarge()
  if (nothingToRead(request, message)) return message
  const body = await readBody(request, options.bodyLimit)
  return body === undefined ? message : { ...message, body }
}
