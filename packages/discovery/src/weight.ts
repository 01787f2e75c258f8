/** What a parsed value takes beside its text: an object, a slot in a list, a pointer. */
const bytesPerValue = 64
/** `,` `[` `{`: the bytes before which a value can stand. */
const separators: ReadonlySet<number> = new Set([0x2c, 0x5b, 0x7b])

/**
 * Bytes of memory that a JSON document takes when parsed, roughly: 256 KiB of `{},{},…` become megabytes, so that a bound by
 * the size of texts would be none.
 */
export function weightOf(body: Uint8Array): number {
  let values = 0
  for (const byte of body) if (separators.has(byte)) values += 1
  return body.length + values * bytesPerValue
}
