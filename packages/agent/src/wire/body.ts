import { gatherBytes } from '@countersign/httpsig'

/** Whether a Content-Type says JSON. */
export function isJson(contentType: string | null): boolean {
  return contentType !== null && /^application\/json\s*(;|$)/i.test(contentType.trim())
}

/** How a body is read that may be too long, or too slow. */
export interface BoundedRead {
  readonly signal?: AbortSignal
  /**
   * What becomes of what is not read. `cancel` tells its source. `leave` does not: a runtime that turns a form into a stream
   * may go on filling it when it has been cancelled, and its error, which nobody can catch, ends the program.
   */
  readonly rest: 'cancel' | 'leave'
}

/** The bytes of a message, or undefined when there are more than `limit` or they do not come before `signal`; reads no further. */
export async function readBounded(
  message: Request | Response,
  limit: number,
  { signal, rest }: BoundedRead = { rest: 'cancel' },
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { body } = message
  if (body === null) return new Uint8Array()
  // Some browsers have no `body` on a Request; what they hold is in memory already.
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
    // A signal may outlive thousands of messages.
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

/** Lets go of a response that is not the answer. Not awaited: a body that is also being read elsewhere ends when that does. */
export function discard(response: Response): void {
  response.body?.cancel().catch(() => undefined)
}
