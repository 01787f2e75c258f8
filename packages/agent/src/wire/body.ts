import { gatherBytes } from '@countersign/httpsig/internal'

/** Whether a Content-Type says JSON. */
export function isJson(contentType: string | null): boolean {
  return contentType !== null && /^application\/json\s*(;|$)/i.test(contentType.trim())
}

/** How to read a body that may be too long or too slow. */
export interface BoundedRead {
  readonly signal?: AbortSignal | undefined
  /**
   * What happens to the unread rest. `cancel` cancels the stream. `leave` does not: a runtime that turns a form into a stream may
   * go on filling a cancelled stream, and the error of that cannot be caught and ends the program.
   */
  readonly rest: 'cancel' | 'leave'
}

/** Reads a body. Returns undefined, and stops reading, when it is longer than `limit` or `signal` aborts first. */
export async function readBounded(
  message: Request | Response,
  limit: number,
  { signal, rest }: BoundedRead = { rest: 'cancel' },
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { body } = message
  if (body === null) return new Uint8Array()
  // Some browsers have no `body` on a Request; its bytes are in memory already.
  if (body === undefined) return withinLimit(new Uint8Array(await message.arrayBuffer()), limit)
  const reader = body.getReader()
  const stop = (): void => {
    if (rest === 'cancel') reader.cancel().catch(() => undefined)
  }
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const bytes = await readAll(reader, limit)
    if (bytes === undefined) stop()
    return signal?.aborted === true ? undefined : bytes
  } finally {
    // One signal may serve thousands of messages, and would keep a listener for each.
    signal?.removeEventListener('abort', stop)
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const body = gatherBytes(limit)
  for (let next = await reader.read(); !next.done; next = await reader.read())
    if (!body.add(next.value)) return undefined
  return body.bytes()
}

function withinLimit(bytes: Uint8Array<ArrayBuffer>, limit: number): Uint8Array<ArrayBuffer> | undefined {
  return bytes.byteLength > limit ? undefined : bytes
}

/** Discards the body of a response. Not awaited: a body that was cloned ends only when the clone does. */
export function discard(response: Response): void {
  response.body?.cancel().catch(() => undefined)
}
