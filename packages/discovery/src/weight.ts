/** Bytes of memory that a parsed value takes in addition to its text: an object, a slot in a list, a pointer. */
const bytesPerValue = 64
/** `,` `[` `{`: the bytes that can stand before a value. */
const separators: ReadonlySet<number> = new Set([0x2c, 0x5b, 0x7b])

/**
 * Bytes of memory that a JSON document takes when parsed, roughly. 256 KiB of `{},{},…` become megabytes, so that the size of the
 * text alone bounds nothing.
 */
export function weightOf(body: Uint8Array): number {
  let values = 0
  for (const byte of body) if (separators.has(byte)) values += 1
  return body.length + values * bytesPerValue
}
