import type { Spelling } from './reading.js'
import type { Variant, VariantSource } from './variant.js'

/** The r‖s form of an ECDSA signature in DER; undefined when it is not in DER. */
export function fromDer(bytes: Uint8Array, size: number): Uint8Array | undefined {
  const hasDerShape = bytes[0] === 0x30 && bytes[1] === bytes.length - 2 && bytes.length <= 2 * size + 8
  if (!hasDerShape) return undefined
  const out = new Uint8Array(2 * size)
  let at = 2
  for (const end of [size, 2 * size]) {
    if (bytes[at] !== 0x02) return undefined
    const length = bytes[at + 1] ?? 0
    const integer = bytes.subarray(at + 2, at + 2 + length)
    const significant = integer.subarray(Math.max(0, integer.length - size))
    if (integer.length > size + 1) return undefined
    out.set(significant, end - significant.length)
    at += 2 + length
  }
  return at === bytes.length ? out : undefined
}

const spellings: ReadonlyArray<readonly [Spelling, string]> = [
  ['unquoted', 'write component names in the signature base in double quotes'],
  ['crlf', 'separate the lines of the signature base by a line feed alone'],
  ['line feed at the end', 'end the signature base without a line feed'],
  ['without @signature-params', 'end the signature base with the line "@signature-params"'],
]

/** Variants of encoding, key and spelling of the base. */
export function signatureVariants({ reading, otherKeys }: VariantSource): Variant[] {
  const variants: Variant[] = []
  const { algorithm } = reading.key
  const plain = algorithm.startsWith('ES') ? fromDer(reading.signature, algorithm === 'ES256' ? 32 : 48) : undefined
  if (plain !== undefined)
    variants.push({
      reason: 'signature_in_der',
      at: 'signature',
      change: 'write an ECDSA signature as r and s of fixed length, one after the other, not in DER',
      reading: { signature: plain },
    })
  for (const key of otherKeys.slice(0, 10))
    variants.push({
      reason: 'key_wrong',
      at: 'signature-key',
      change: 'name in Signature-Key the key that signs: the signature verifies with another key',
      signed: `key ${key.thumbprint}`,
      reading: { key },
    })
  for (const [spelling, change] of spellings)
    variants.push({ reason: 'base_spelling', at: '@signature-params', change, reading: { spelling } })
  return variants
}
