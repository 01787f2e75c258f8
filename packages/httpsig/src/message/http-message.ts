import { checkOptions } from '#check-options'
import type { ReceivedMessage } from './received-message.js'

/** Header lines in order: names in any case, values decoded as latin1. */
export type HeaderLines = ReadonlyArray<readonly [name: string, value: string]>

/** A request to sign or to verify; {@link requestMessage} and {@link fetchRequestMessage} make one. */
export interface HttpRequestMessage {
  /** As on the wire, case kept. */
  readonly method: string
  /** The raw request target: origin, absolute, authority or asterisk form. */
  readonly target: string
  readonly scheme: 'https' | 'http'
  /** Host and, unless it is the default one, port. A verifier takes it from its configuration, never from `Host`. */
  readonly authority: string
  readonly headers: HeaderLines
  /** Content; undefined when it has not been read. */
  readonly body?: Uint8Array
}

/** A response to sign or to verify. */
export interface HttpResponseMessage {
  /** 100 to 599. */
  readonly status: number
  readonly headers: HeaderLines
  /** Content; undefined when it has not been read. */
  readonly body?: Uint8Array
  /** The request that it answers; the source of components with `req`. */
  readonly request?: HttpRequestMessage
}

/** An HTTP message as RFC 9421 sees it. */
export type HttpMessage = HttpRequestMessage | HttpResponseMessage

/** Whether a message is a response. */
export function isResponse(message: HttpMessage): message is HttpResponseMessage {
  return 'status' in message
}

/**
 * A received request as a message to verify. Its body must have been read, by `readBody`: without it no digest would be compared.
 * @param origin scheme and authority of this server, from its configuration
 * @throws TypeError for a body that is unread
 * @see RFC 9421 §2.2.2 to §2.2.4
 */
// unchecked options origin: it is a party, a message or a logger, of which few members are read
export function requestMessage(
  received: ReceivedMessage,
  origin: { readonly scheme: 'https' | 'http'; readonly authority: string },
): HttpRequestMessage {
  const { method, target, headers, body, unread } = received
  if (unread !== undefined) throw new TypeError('the body is unread: read it first, with readBody')
  const { scheme, authority } = origin
  return { method, target, scheme, authority, headers, ...(body === undefined ? {} : { body }) }
}

function schemeOf(url: URL): 'https' | 'http' {
  if (url.protocol === 'https:') return 'https'
  if (url.protocol === 'http:') return 'http'
  throw new TypeError('the URL must be http or https')
}

/**
 * A Fetch API request as a message, to be signed before it is sent. Scheme and authority are those of the URL. On a server the URL
 * contains the `Host` that the client sent: use {@link requestMessage} there.
 * @param body the content, which can be read from a `Request` only once
 * @throws TypeError for another scheme than http and https
 * @see RFC 9421 §2.2
 */
export function fetchRequestMessage(request: Request, body?: Uint8Array): HttpRequestMessage {
  const url = new URL(request.url)
  // `url.search` is empty for a lone `?`, which is sent nevertheless.
  const whole = url.href.slice(url.origin.length)
  const fragment = whole.indexOf('#')
  return {
    method: request.method,
    target: fragment < 0 ? whole : whole.slice(0, fragment),
    scheme: schemeOf(url),
    authority: url.host,
    headers: [...request.headers],
    ...(body === undefined ? {} : { body }),
  }
}

/**
 * A Fetch API response as a message.
 * @param given.body the content, which can be read from a `Response` only once
 * @param given.request the request that it answers
 * @see RFC 9421 §2.2.9 (`@status`), §2.4 (`req`)
 */
export function fetchResponseMessage(
  response: Response,
  given: { readonly body?: Uint8Array; readonly request?: HttpRequestMessage } = {},
): HttpResponseMessage {
  checkOptions('fetchResponseMessage', given, { body: 'object', request: 'object' })
  return { status: response.status, headers: [...response.headers], ...given }
}
