import { checkOptions } from '#check-options'
import { HttpSigError } from './error.js'
import { gatherBytes } from './gathered-bytes.js'
import { ended, type HeadWatch, watchHead, withReadBody } from './head-watch.js'
import { pathOf } from './target-parts.js'

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
export function headerValues(message: ReceivedMessage, name: string): string[] {
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

async function readBody(
  stream: ReadableStream<Uint8Array>,
  limit: number,
  watch: HeadWatch,
): Promise<Uint8Array | undefined> {
  const reader = stream.getReader()
  const body = collectBody(limit)
  // The loop then ends as at the end of the body.
  watch.stop = () => void reader.cancel().catch(ended)
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) body.add(part.value)
  } catch (error) {
    await reader.cancel().catch(() => undefined)
    throw error
  }
  return body.bytes()
}

/** Reads up to the first byte. */
export async function hasByte(body: ReadableStream<Uint8Array>): Promise<boolean> {
  const reader = body.getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (part.value.length === 0) continue
    reader.cancel().catch(() => undefined)
    return true
  }
  return false
}

function rawTarget(url: string): string {
  const path = url.indexOf('/', url.indexOf('://') + 3)
  const fragment = url.indexOf('#')
  return url.slice(path, fragment < 0 ? undefined : fragment)
}

/**
 * The path of a Fetch API request, as it was sent. Its `url` need be none: with two `Host` lines workerd gives `http://a, b/path`,
 * on which a URL parser throws.
 */
export function pathOfRequest({ url }: Pick<Request, 'url'>): string {
  return pathOf(rawTarget(url))
}

/**
 * Reads a Fetch API request. Lossy: the runtime has already parsed the URL (dot segments resolved, backslashes turned),
 * joined repeated header lines and dropped the peer, so attacks on those cannot be seen here. Prefer an exact adapter such as `fromNode`.
 * @param options.bodyLimit most body bytes read
 * @param options.judgeHead says by the head what is read of the body; default all
 * @throws HttpSigError 413 when the body is larger; 431 for as many header lines as Node, beneath the runtime, keeps: it may have dropped some;
 * 400 where the headers announce a body that the platform does not show
 * @see docs/protocol.md §3.3
 */
export async function fromRequest(
  request: Request,
  options: { readonly bodyLimit: number; readonly judgeHead?: JudgeHead },
): Promise<ReceivedMessage> {
  checkOptions('fromRequest', options, { bodyLimit: 'number', judgeHead: 'function' }, ['bodyLimit'])
  const head = headOf(request)
  if (request.body === null) return head
  const judged = options.judgeHead?.(head) ?? 'whole'
  if (judged === 'byte') return (await hasByte(request.body)) ? { ...head, dangerouslyUnseenBody: true } : head
  if (judged !== 'whole' && !('refused' in judged)) {
    await request.body.cancel()
    return judged
  }
  const pending = judged === 'whole' ? undefined : judged
  const watch = watchHead(pending)
  const body = await readBody(request.body, options.bodyLimit, watch)
  return watch.refused ?? withReadBody(head, body, pending)
}

/** Reads everything of a Fetch API request but its body. @throws HttpSigError 431, 400 */
export function headOf({ method, url, headers: lines, body }: Request): ReceivedMessage {
  const headers: Array<readonly [string, string]> = [...lines]
  checkWholeHead(headers)
  if (body === null) checkHiddenBody(lines)
  if (!lines.has('host')) headers.push(['host', new URL(url).host])
  return { method, target: rawTarget(url), headers }
}

/**
 * Bun and Deno show no body of a GET or HEAD, which a message may have all the same: it must not pass for one without (DIG-13).
 * @throws HttpSigError 400
 */
function checkHiddenBody(headers: Headers): void {
  if (headers.has('transfer-encoding') || /[^0, ]/.test(headers.get('content-length') ?? ''))
    throw new HttpSigError('invalid_request', 'this platform does not show the body of such a request')
}

/** Header lines that Node keeps of a request by default; where it is beneath a Fetch handler, it drops the rest in silence (DIG-19). */
const keptLines = 1000

function checkWholeHead(headers: ReadonlyArray<readonly [string, string]>): void {
  let lines = headers.length
  // Lines of one name have been joined: by commas, and those of cookies by semicolons.
  for (const [name, value] of headers) lines += countOf(value, ',') + (name === 'cookie' ? countOf(value, ';') : 0)
  if (lines >= keptLines) throw new HttpSigError('invalid_request', 'too many header lines', { status: 431 })
}

function countOf(text: string, character: string): number {
  let count = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++
  return count
}

/** A body of unknown length that no digest announces may still turn out to be none. */
export function withUnseenBody(head: ReceivedMessage): ReceivedMessage {
  const announced =
    headerValues(head, 'content-digest').length > 0 || Number(headerValues(head, 'content-length')[0] ?? 0) > 0
  return announced ? { ...head, dangerouslyUnseenBody: true } : head
}
