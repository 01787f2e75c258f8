// The eight points whose order divides 8 have these y coordinates (little endian, sign bit cleared) and their negatives.
// Under such a key one signature can verify for many messages, so it identifies no signer.
const smallOrder: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
])

// Last bytes of all of them: a cheap sieve before the exact comparison.
const suspectLast: ReadonlySet<number> = new Set([0x00, 0x7f, 0x05, 0x7a])

function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** True when y, the sign bit cleared, is at least p = 2^255 − 19: a second spelling of a smaller y. */
function isNonCanonical(bytes: Uint8Array): boolean {
  if (((bytes[31] ?? 0) & 0x7f) !== 0x7f) return false
  for (let i = 30; i > 0; i--) if (bytes[i] !== 0xff) return false
  return (bytes[0] ?? 0) >= 0xed
}

/** p − y byte by byte, without borrowing: right for every y that {@link smallOrder} has. */
function negative(y: Uint8Array): Uint8Array {
  return y.map((byte, i) => (i === 0 ? 0xed : i === 31 ? 0x7f : 0xff) - byte)
}

/**
 * Whether 32 bytes may serve as an Ed25519 public key: the one spelling of its point, and not of small order.
 * @see protocol §3.6, RFC 8032 §5.1.3
 */
export function isAcceptablePoint(bytes: Uint8Array): boolean {
  if (bytes.length !== 32 || isNonCanonical(bytes)) return false
  const last = (bytes[31] ?? 0) & 0x7f
  if (!suspectLast.has(last)) return true
  const y = bytes.slice()
  y[31] = last
  return !smallOrder.has(hex(y)) && !smallOrder.has(hex(negative(y)))
}
