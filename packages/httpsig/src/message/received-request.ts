import { checkOptions } from '#check-options'
import { refusal } from '../error.js'
import { connectionOfRequest } from './connection.js'
import { type BodyCollector, collectBody, type ReceivedMessage, readBody, type UnreadBody } from './received-message.js'
import { pathOf } from './target-parts.js'

function rawTarget(url: string): string {
  const path = url.indexOf('/', url.indexOf('://') + 3)
  const fragment = url.indexOf('#')
  return url.slice(path, fragment < 0 ? undefined : fragment)
}

/**
 * The path of a Fetch API request, as sent. Its `url` may be malformed: with two `Host` lines workerd makes it `http://a, b/path`,
 * on which a URL parser throws.
 */
export function pathOfRequest({ url }: Pick<Request, 'url'>): string {
  return pathOf(rawTarget(url))
}

/**
 * Reads a Fetch API request. The runtime has already normalised the URL (dot segments, backslashes), joined repeated header lines and
 * dropped the peer's address, so attacks on those cannot be detected here. Prefer an exact adapter such as `fromNode`.
 * @param options.bodyLimit most body bytes read
 * @throws HttpSigError 413 when the body is larger; 431 for 1000 header lines or more, of which Node below the runtime may have dropped
 * some; 400 when the headers announce a body that the platform does not show
 * @see protocol §3.3
 */
export async function fromRequest(request: Request, options: { readonly bodyLimit: number }): Promise<ReceivedMessage> {
  return readBody(receiveRequest(request, options))
}

/**
 * As {@link fromRequest}, but leaves the body unread: `unread` of the message reads it. So a verifier can refuse a request by its head.
 * @throws HttpSigError 431, 400
 */
export function receiveRequest(request: Request, options: { readonly bodyLimit: number }): ReceivedMessage {
  checkOptions('receiveRequest', options, { bodyLimit: 'number' }, ['bodyLimit'])
  const head = headOf(request)
  return request.body === null ? head : { ...head, unread: new RequestBody(request.body, options.bodyLimit) }
}

/** The body of a Fetch API request. */
class RequestBody implements UnreadBody {
  readonly #body: ReadableStream<Uint8Array>
  readonly #gathered: BodyCollector
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #bytes: Promise<Uint8Array | undefined> | undefined

  constructor(body: ReadableStream<Uint8Array>, limit: number) {
    this.#body = body
    this.#gathered = collectBody(limit)
  }

  bytes(): Promise<Uint8Array | undefined> {
    this.#bytes ??= this.#readAll()
    return this.#bytes
  }

  async hasByte(): Promise<boolean> {
    if (this.#bytes !== undefined) return (await this.#bytes) !== undefined
    while (this.#gathered.bytes() === undefined && (await this.#readOne()));
    return this.#gathered.bytes() !== undefined
  }

  /** All of the body, also what `hasByte` has read. */
  stream(): ReadableStream<Uint8Array> {
    this.#reader ??= this.#body.getReader()
    const reader = this.#reader
    let first = this.#gathered.bytes()
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = first === undefined ? await reader.read() : { done: false, value: first }
          first = undefined
          if (value !== undefined) controller.enqueue(value)
          if (done) controller.close()
        },
        cancel: reason => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    )
  }

  async #readAll(): Promise<Uint8Array | undefined> {
    while (await this.#readOne());
    return this.#gathered.bytes()
  }

  /** @returns false at the end */
  async #readOne(): Promise<boolean> {
    this.#reader ??= this.#body.getReader()
    try {
      const { done, value } = await this.#reader.read()
      if (done) return false
      this.#gathered.add(value)
      return true
    } catch (error) {
      // A cancelled reader ends like a body: what was read before must not pass for the whole of it.
      this.#bytes ??= Promise.reject(error)
      this.#bytes.catch(() => undefined)
      await this.#reader.cancel().catch(() => undefined)
      throw error
    }
  }
}

/** The body of a Fetch API request of which no more than the first byte was looked at; undefined for a body of another kind. */
export function streamOf(unread: UnreadBody): ReadableStream<Uint8Array> | undefined {
  return unread instanceof RequestBody ? unread.stream() : undefined
}

/** Reads everything of a Fetch API request but its body. @throws HttpSigError 431, 400 */
export function headOf(request: Request): ReceivedMessage {
  const { method, url, headers: lines, body } = request
  const headers: Array<readonly [string, string]> = [...lines]
  checkWholeHead(headers)
  if (body === null) checkHiddenBody(lines)
  if (!lines.has('host')) headers.push(['host', new URL(url).host])
  return { method, target: rawTarget(url), headers, connection: connectionOfRequest(request) }
}

/**
 * Bun and Deno do not show the body of a GET or HEAD. Such a message must not pass as one without a body (DIG-13).
 * @throws HttpSigError 400
 */
function checkHiddenBody(headers: Headers): void {
  if (headers.has('transfer-encoding') || /[^0, ]/.test(headers.get('content-length') ?? ''))
    throw refusal('body_not_shown')
}

/** Header lines that Node keeps by default. Below a Fetch handler, too, it drops the rest silently (DIG-19). */
const keptLines = 1000

function checkWholeHead(headers: ReadonlyArray<readonly [string, string]>): void {
  let lines = headers.length
  // Lines with one name have been joined by commas, those of cookies by semicolons.
  for (const [name, value] of headers) lines += countOf(value, ',') + (name === 'cookie' ? countOf(value, ';') : 0)
  if (lines >= keptLines) throw refusal('header_lines_too_many')
}

function countOf(text: string, character: string): number {
  let count = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++
  return count
}
