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
  if (bytes.length !== 32 || isNonCanonical(bytes)) return false // sig.alg.points
  const last = (bytes[31] ?? 0) & 0x7f
  if (!suspectLast.has(last)) return true
  const y = bytes.slice()
  y[31] = last
  return !smallOrder.has(hex(y)) && !smallOrder.has(hex(negative(y))) // sig.alg.points
}

const prime = 2n ** 255n - 19n
const curveConstant = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

/**
 * Whether 32 bytes are a point of the curve: half of all texts of that length are none. Cryptography of the platform imports them all,
 * and then no signature verifies.
 * @see protocol §3.6, RFC 8032 §5.1.3
 */
export function isOnCurve(bytes: Uint8Array): boolean {
  const y = BigInt(`0x${hex(bytes.slice().reverse())}`) & (2n ** 255n - 1n)
  const square = (y * y) % prime
  // x² is u / v: a square just when u · v is one.
  return isSquare(((square - 1n + prime) * (curveConstant * square + 1n)) % prime)
}

/** Whether a number is a square modulo the prime, by the Jacobi symbol: a quarter of the time of a power. */
function isSquare(value: bigint): boolean {
  let [upper, lower, symbol] = [value, prime, 1]
  while (upper !== 0n) {
    while ((upper & 1n) === 0n) {
      upper >>= 1n
      const rest = lower & 7n
      if (rest === 3n || rest === 5n) symbol = -symbol
    }
    const [smaller, larger] = [upper, lower]
    if ((smaller & 3n) === 3n && (larger & 3n) === 3n) symbol = -symbol
    upper = larger % smaller
    lower = smaller
  }
  return value === 0n || symbol === 1
}
