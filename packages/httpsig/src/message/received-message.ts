import { refusal } from '../error.js'
import { gatherBytes } from './gathered-bytes.js'

/** The connection of a caller, as far as its end shows. */
export interface CallerConnection {
  /**
   * Aborted when the caller closes its connection, or resets its HTTP/2 stream, before the response is complete, and on Node never
   * after. Elsewhere it is `signal` of the request, as the platform has it. Made when it is first read.
   */
  readonly signal: AbortSignal
  /** Calls `work` when `signal` is aborted, at once where it was; cheaper than a signal. @returns a function that ends it */
  whenGone(work: () => void): () => void
}

/**
 * An HTTP request as received. The same record is verified, routed and passed on.
 * @see protocol §3.3
 */
export interface ReceivedMessage {
  /** As on the wire, case kept. */
  readonly method: string
  /** The raw request target (`:path` in h2), e.g. `/a?b=c`. */
  readonly target: string
  /** Header lines in order, names in any case, values decoded as latin1. The h2 `:authority` is the `host` line when there is no other. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** Remote IP address. */
  readonly peer?: string
  /** The name that its receiver gave it, for logs and events; it is not verified. */
  readonly requestId?: string
  /** The caller's connection; absent where the receiver cannot tell when it closes. */
  readonly connection?: CallerConnection
  /** The bytes of the body, whatever their framing; absent or empty when there are none. */
  readonly body?: Uint8Array
  /** The body, which still waits at its sender: there is no `body` until {@link readBody} has read it. */
  readonly unread?: UnreadBody
  /**
   * There is a body that the verifier does not see, as behind a proxy that only asks whether a request may pass. The signature must
   * cover its digest, but **the verifier does not compare the digest with the body**: the reader of the body must.
   */
  readonly dangerouslyUnseenBody?: true
}

/** A body that nothing has read. Its bytes wait at the sender and in the connection, until something reads them. */
export interface UnreadBody {
  /**
   * Reads the body to its end; later calls get the same promise.
   * @returns undefined for a body without a byte
   * @throws HttpSigError 413 when it is over the limit of its receiver, 400 when it is cut off
   */
  bytes(): Promise<Uint8Array | undefined>
  /** Waits for the first byte, or for the end. `bytes` still reads all of it. */
  hasByte(): Promise<boolean>
}

/** The message with its body, which is read now where it was not. Each call gets the same bytes. @throws HttpSigError */
export async function readBody(message: ReceivedMessage): Promise<ReceivedMessage> {
  const { unread, ...head } = message
  if (unread === undefined) return message
  const body = await unread.bytes()
  return body === undefined ? head : { ...head, body }
}

/** Whether there is a body of at least one byte, or one that is unread or unseen. */
export function hasBody({ body, unread, dangerouslyUnseenBody }: ReceivedMessage): boolean {
  return (body !== undefined && body.length > 0) || unread !== undefined || dangerouslyUnseenBody === true
}

/**
 * The values of every line of one header, in order. `name` in lower case.
 * @see RFC 9421 §2.1, protocol §3.3
 */
export function headerValues(message: Pick<ReceivedMessage, 'headers'>, name: string): string[] {
  const values: string[] = []
  for (const [key, value] of message.headers) {
    if (key.length === name.length && key.toLowerCase() === name) values.push(value)
  }
  return values
}

const isOws = (code: number): boolean => code === 0x20 || code === 0x09

/** Removes leading and trailing spaces and tabs (OWS). */
export function trimOws(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isOws(value.charCodeAt(start))) start++
  while (end > start && isOws(value.charCodeAt(end - 1))) end--
  return start === 0 && end === value.length ? value : value.slice(start, end)
}

/** Body bytes being gathered. */
export interface BodyCollector {
  /** @throws HttpSigError 413 when there are more than the limit, or too many small chunks */
  add(chunk: Uint8Array): void
  /** The bytes so far; undefined when there are none. */
  bytes(): Uint8Array | undefined
}

/** Gathers a body of at most `limit` bytes, whatever its framing. */
export function collectBody(limit: number): BodyCollector {
  const gathered = gatherBytes(limit)
  return {
    add(chunk) {
      if (!gathered.add(chunk)) throw refusal('body_too_large')
    },
    bytes() {
      const body = gathered.bytes()
      return body.length === 0 ? undefined : body
    },
  }
}
