import { HttpSigError } from '../error.js'
import { gatherBytes } from './gathered-bytes.js'

/**
 * An HTTP request as it came over the wire: what is verified, routed and passed on is this one record.
 * @see docs/protocol.md §3.3
 */
export interface ReceivedMessage {
  /** As on the wire, case kept. */
  readonly method: string
  /** The raw request target (`:path` in h2), e.g. `/a?b=c`. */
  readonly target: string
  /** Header lines in order, names in any case, values decoded as latin1. The h2 `:authority` stands as `host` where no host line came. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** Remote IP address. */
  readonly peer?: string
  /** The name its receiver gave it, under which logs and events tell of it; nothing is verified by it. */
  readonly requestId?: string
  /** The body's bytes, however they were framed; absent or empty when there are none. */
  readonly body?: Uint8Array
  /**
   * There is a body that whoever verifies does not get to see, as behind a proxy that only asks whether a request may pass: it must
   * be covered like any other, but **nobody compares it with its digest**, which is then up to the one who reads it.
   */
  readonly dangerouslyUnseenBody?: true
  /** Why the head alone refuses the message, whose body was therefore not read: verifying it throws this. */
  readonly headFault?: unknown
  /** What was found out by the head already. Only the verifier that made it can tell what it says; it proves nothing by itself. */
  readonly headProof?: object
}

/** A head that is in order as far as can be said at once, while the rest of it is being verified. */
export interface JudgedHead {
  /** The message that is refused whatever its body is: its reading ends then. Undefined where the body decides. Must not reject. */
  readonly refused: Promise<ReceivedMessage | undefined>
  /** The `headProof` of the message. */
  readonly proof: object
}

/**
 * What is known of a request by its head, before its body is read. `whole`: the body decides. `byte`: no signature covers a
 * body, so that its first byte refuses it. Or the message that is refused whatever its body is, and to be judged without it; or what
 * will say so while the body is read.
 */
export type HeadJudgement = 'whole' | 'byte' | ReceivedMessage | JudgedHead

/** Judges a head. It must not wait, or chunks pile up in the parser meanwhile: what takes longer is said by `refused`. */
export type JudgeHead = (head: ReceivedMessage) => HeadJudgement

/** Whether there is a body of at least one byte, seen or not. */
export function hasBody(message: ReceivedMessage): boolean {
  return (message.body !== undefined && message.body.length > 0) || message.dangerouslyUnseenBody === true
}

/**
 * The values of every line of one header, in order. `name` in lower case.
 * @see RFC 9421 §2.1, docs/protocol.md §3.3
 */
export function headerValues(message: Pick<ReceivedMessage, 'headers'>, name: string): string[] {
  const values: string[] = []
  for (const [key, value] of message.headers) {
    if (key.length === name.length && key.toLowerCase() === name) values.push(value)
  }
  return values
}

const isOws = (code: number): boolean => code === 0x20 || code === 0x09

/** Leading and trailing OWS off; inner whitespace is the signer's. */
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
      if (!gathered.add(chunk)) throw bodyTooLarge()
    },
    bytes() {
      const body = gathered.bytes()
      return body.length === 0 ? undefined : body
    },
  }
}

/** The error for a body over the limit. */
export function bodyTooLarge(): HttpSigError {
  return new HttpSigError('invalid_request', 'the body is too large', { status: 413 })
}

/** A body of unknown length that no digest announces may still turn out to be none. */
export function withUnseenBody(head: ReceivedMessage): ReceivedMessage {
  const announced =
    headerValues(head, 'content-digest').length > 0 || Number(headerValues(head, 'content-length')[0] ?? 0) > 0
  return announced ? { ...head, dangerouslyUnseenBody: true } : head
}
