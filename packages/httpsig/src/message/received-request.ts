import { checkOptions } from '#check-options'
import { HttpSigError } from '../error.js'
import { connectionOfRequest } from './connection.js'
import { doNothing, type HeadWatch, watchHead, withReadBody } from './head-watch.js'
import { collectBody, type JudgeHead, type ReceivedMessage } from './received-message.js'
import { pathOf } from './target-parts.js'

async function readBody(
  stream: ReadableStream<Uint8Array>,
  limit: number,
  watch: HeadWatch,
): Promise<Uint8Array | undefined> {
  const reader = stream.getReader()
  const body = collectBody(limit)
  // A cancelled reader ends the loop like the end of the body does.
  watch.stop = () => void reader.cancel().catch(doNothing)
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) body.add(part.value)
  } catch (error) {
    await reader.cancel().catch(doNothing)
    // workerd rejects a pending read when it is cancelled.
    if (watch.refused !== undefined) return undefined
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
 * @param options.judgeHead decides by the head how much of the body is read; default all
 * @throws HttpSigError 413 when the body is larger; 431 for 1000 header lines or more, of which Node below the runtime may have dropped
 * some; 400 when the headers announce a body that the platform does not show
 * @see protocol §3.3
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
    throw new HttpSigError('invalid_request', 'this platform does not show the body of such a request', {
      reason: 'body_not_shown',
    })
}

/** Header lines that Node keeps by default. Below a Fetch handler, too, it drops the rest silently (DIG-19). */
const keptLines = 1000

function checkWholeHead(headers: ReadonlyArray<readonly [string, string]>): void {
  let lines = headers.length
  // Lines with one name have been joined by commas, those of cookies by semicolons.
  for (const [name, value] of headers) lines += countOf(value, ',') + (name === 'cookie' ? countOf(value, ';') : 0)
  if (lines >= keptLines)
    throw new HttpSigError('invalid_request', 'too many header lines', { reason: 'header_lines_too_many', status: 431 })
}

function countOf(text: string, character: string): number {
  let count = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++
  return count
}
