/** A frame of HTTP/2, by hand: Node's own client merges small writes, and ends a stream before it resets it. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** What a client says before its first request. */
export const preface: Buffer = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(4, 0, 0, Buffer.alloc(0)),
])

/** The head of a request whose body follows; each header as a literal (RFC 7541 §6.2.2). */
export function headFrame(stream: number, headers: ReadonlyArray<readonly [string, string]>): Buffer {
  const fields = headers.map(([name, value]) => Buffer.concat([Buffer.of(0), literal(name), literal(value)]))
  return frame(1, 4, stream, Buffer.concat(fields))
}

export const dataFrame = (stream: number, bytes: string): Buffer => frame(0, 0, stream, Buffer.from(bytes))

export const endFrame = (stream: number): Buffer => frame(0, 1, stream, Buffer.alloc(0))

/** @param code such as 8, CANCEL */
export const resetFrame = (stream: number, code: number): Buffer => frame(3, 0, stream, Buffer.of(0, 0, 0, code))

/** A string without Huffman coding, after its length as an integer with a prefix of 7 bits (RFC 7541 §5). */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  const length = bytes.length < 127 ? [bytes.length] : [127]
  if (bytes.length >= 127) {
    let rest = bytes.length - 127
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128)
    length.push(rest)
  }
  return Buffer.concat([Buffer.from(length), bytes])
}
