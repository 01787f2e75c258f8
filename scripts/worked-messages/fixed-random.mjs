// What participants draw at random (`jti`, refresh tokens, codes) is the same in every run of this process. The servers take no
// random source as an option, and are not to: a predictable one breaks them. So this process, which serves nobody, replaces it.
import crypto, { createHash } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** Replaces every random source of this process. Returns what begins the sequence of a message, so that none depends on others. */
export function fixRandom() {
  const drawn = new Map()
  let message = 'start'
  const fill = view => {
    const key = `${message} ${view.byteLength}`
    const count = drawn.get(key) ?? 0
    drawn.set(key, count + 1)
    bytesOf(`countersign worked messages: ${key} ${count}`, view.byteLength).copy(
      Buffer.from(view.buffer, view.byteOffset, view.byteLength),
    )
    return view
  }
  const bytes = size => fill(Buffer.alloc(size))
  const uuid = () => uuidOf(bytes(16))
  const int = (...range) => {
    const [from, to] = range.length === 1 ? [0, ...range] : range
    return from + (bytes(6).readUIntBE(0, 6) % (to - from))
  }
  Object.assign(crypto, { randomBytes: bytes, randomFillSync: fill, randomInt: int, randomUUID: uuid })
  syncBuiltinESMExports()
  Object.defineProperties(globalThis.crypto, {
    getRandomValues: { value: fill },
    randomUUID: { value: uuid },
  })
  return name => {
    message = name
  }
}

/** A version 4 UUID (RFC 9562 §5.4). */
function uuidOf(bytes) {
  bytes[6] = (bytes[6] & 0x0f) | 0x40
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function bytesOf(seed, size) {
  const blocks = []
  for (let at = 0; at * 32 < size; at++) blocks.push(createHash('sha256').update(`${seed} ${at}`).digest())
  return Buffer.concat(blocks).subarray(0, size)
}
