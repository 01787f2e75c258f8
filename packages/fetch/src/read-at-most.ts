import { gatherBytes } from '@countersign/httpsig'

/**
 * The bytes of a body, which may be a stranger's, and without an end.
 * @throws RangeError where there are more than `limit`; no more are read then
 */
export async function readAtMost({ body }: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const read = gatherBytes(limit)
  if (body === null) return read.bytes()
  const reader = body.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read())
    if (!read.add(next.value)) {
      // Not awaited: the other half of a copied body ends when its own reader does.
      reader.cancel().catch(() => undefined)
      throw new RangeError('the body is too long')
    }
  return read.bytes()
}
