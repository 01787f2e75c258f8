/** The bytes of a body that comes in chunks. */
export interface GatheredBytes {
  /** @returns false for a chunk that is over the limit, or that is one small chunk too many */
  add(chunk: Uint8Array): boolean
  /** All bytes so far, in one piece. */
  bytes(): Uint8Array<ArrayBuffer>
}

const blockSize = 16_384
/** Chunks that any body may come in; beyond these they must hold 16 bytes each, as a limit is made use of. */
const freeChunks = 4096

/**
 * Gathers a body of at most `limit` bytes in blocks. Kept as they come, chunks of one byte each would cost a hundred times what
 * was sent (DIG-20). What is held is at most twice the body, and each chunk costs time by its own length.
 */
export function gatherBytes(limit: number): GatheredBytes {
  const blocks: Array<Uint8Array<ArrayBuffer>> = []
  let block = new Uint8Array()
  let used = 0
  let length = 0
  let chunks = 0
  return {
    add(chunk) {
      length += chunk.length
      chunks++
      if (length > limit || chunks > freeChunks + limit / 16) return false
      for (let rest = chunk; rest.length > 0; ) {
        if (used === block.length) {
          block = new Uint8Array(Math.max(rest.length, Math.min(length, blockSize)))
          blocks.push(block)
          used = 0
        }
        const part = rest.subarray(0, block.length - used)
        block.set(part, used)
        used += part.length
        rest = rest.subarray(part.length)
      }
      return true
    },
    bytes() {
      // Most bodies come in one chunk.
      if (used === length) return block.subarray(0, used)
      const whole = new Uint8Array(length)
      let at = 0
      for (const one of blocks) {
        whole.set(one === block ? one.subarray(0, used) : one, at)
        at += one.length
      }
      return whole
    },
  }
}
