import { integer } from './member-number.js'

const prime = 2n ** 255n - 19n
const curveConstant = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

const ofOrder8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
// The eight points whose order divides 8 have these y coordinates. Under such a key one signature can verify for many messages, so it
// identifies no signer.
const smallOrder: ReadonlySet<bigint> = new Set([0n, 1n, prime - 1n, ofOrder8, prime - ofOrder8])

// Last bytes of all of them, and of every y from the prime up: a cheap sieve before the exact comparison.
const suspectLast: ReadonlySet<number> = new Set([0x00, 0x7f, 0x05, 0x7a])

/** The y coordinate, the sign bit cleared. */
function yOf(bytes: Uint8Array): bigint {
  return integer(bytes.slice().reverse()) & (2n ** 255n - 1n)
}

/**
 * Whether 32 bytes may serve as an Ed25519 public key: the one spelling of its point, and not of small order.
 * @see protocol §3.6, RFC 8032 §5.1.3
 */
export function isAcceptablePoint(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false // sig.alg.points
  if (!suspectLast.has((bytes[31] ?? 0) & 0x7f)) return true
  const y = yOf(bytes)
  // From the prime up, it would be a second spelling of a smaller y.
  return y < prime && !smallOrder.has(y) // sig.alg.points
}

/**
 * Whether 32 bytes are a point of the curve: half of all texts of that length are none. Cryptography of the platform imports them all,
 * and then no signature verifies.
 * @see protocol §3.6, RFC 8032 §5.1.3
 */
export function isOnCurve(bytes: Uint8Array): boolean {
  const y = yOf(bytes)
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
