/** The bytes of standard base64 with padding, in its one spelling; undefined for any other text. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  // Node skips what it does not know: two texts for one hash would make two checkpoints of one.
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined
}
