/** The bytes of a body that arrives in chunks. */
export interface GatheredBytes {
  /** @returns false for a chunk that is over the limit, or that is one small chunk too many */
  add(chunk: Uint8Array): boolean
  /** All bytes so far, in one piece. */
  bytes(): Uint8Array<ArrayBuffer>
}

const blockSize = 16_384
/** A body may arrive in this many chunks of any size, and in one more for every 16 bytes of its limit. */
const freeChunks = 4096

/**
 * Gathers a body of at most `limit` bytes in blocks. Chunks of one byte, each kept as an object, would cost a hundred times the
 * memory of the body (DIG-20). The blocks take at most twice the body, and adding a chunk takes time in proportion to its length.
 */
export function gatherBytes(limit: number): GatheredBytes {
  // bound: the body limit; bytes: the body limit and 64 KiB; grown by a stranger; shared: each connection its own;
  // filled by gathered-bytes.test.ts "one byte over the limit"
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
      // Most bodies arrive in one chunk.
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
