import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'

/** The longest line that is read whole. */
const maxLine = 131_072

/** The lines of a file, one in memory at a time; of one that is too long only `undefined`. */
export async function* linesOf(path: string): AsyncGenerator<string | undefined> {
  // bound: one call: maxLine, 128 KiB
  let parts: Buffer[] = []
  let length = 0
  const line = (): string | undefined => (length > maxLine ? undefined : Buffer.concat(parts).toString())
  for await (const chunk of createReadStream(path, { highWaterMark: 262_144 }) as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = chunk.indexOf(10, from); end >= 0; end = chunk.indexOf(10, from)) {
      const part = chunk.subarray(from, end)
      if (length === 0) yield part.length > maxLine ? undefined : part.toString()
      else {
        length += part.length
        if (length <= maxLine) parts.push(part)
        yield line()
      }
      parts = []
      length = 0
      from = end + 1
    }
    length += chunk.length - from
    if (length > 0 && length <= maxLine) parts.push(chunk.subarray(from))
  }
  if (length > 0) yield line()
}

/** A file of at most so many bytes; undefined where there is none, or it is longer. */
export async function smallFile(path: string, most: number): Promise<Buffer | undefined> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      if (size > most) return undefined
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isMissing(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : ''
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR'
}
