import { gatherBytes } from '@countersign/httpsig/internal'

/**
 * Reads a body, which a stranger may send without end.
 * @throws RangeError at more than `limit` bytes; reading stops there
 */
export async function readAtMost({ body }: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const read = gatherBytes(limit)
  if (body === null) return read.bytes()
  const reader = body.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read())
    if (!read.add(next.value)) {
      // Not awaited: the cancel of a cloned body ends only when the original has been read.
      reader.cancel().catch(() => undefined)
      throw new RangeError('the body is too long')
    }
  return read.bytes()
}
