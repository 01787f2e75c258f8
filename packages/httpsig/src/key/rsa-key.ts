import { offPage } from '#off-page'
import { unacceptableKey } from './algorithm.js'
import { integer, memberBytes } from './member-number.js'

/** Bits of a modulus. A smaller one can be broken; with a larger one, verifying costs more than the rest of a request. */
const leastBits = 2048
const mostBits = 4096
/** Longest public exponent, in bytes: each of its bits costs a verifier one multiplication. */
const exponentBytes = 8

function bits(bytes: Uint8Array): number {
  return bytes.length * 8 - Math.clz32(bytes[0] ?? 0) + 24
}

/** An unsigned integer in canonical base64url, without leading zero bytes. Longer text is not decoded. */
function unsigned(value: unknown, most: number): Uint8Array | undefined {
  const bytes = memberBytes(value, most)
  return bytes?.[0] ? bytes : undefined
}

function isOdd(bytes: Uint8Array): boolean {
  return ((bytes.at(-1) ?? 0) & 1) === 1
}

/** Which residues modulo a prime are powers of 65537. */
function powersModulo(prime: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power)
  return powers
}

// The primes up to 167 for which the powers of 65537 do not reach every residue.
const markers: ReadonlyArray<readonly [bigint, ReadonlySet<number>]> = [
  11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
].map(prime => [BigInt(prime), powersModulo(prime)])

/**
 * Whether a modulus comes from the generator of CVE-2017-15361 (ROCA), whose private keys can be computed: its primes are powers of
 * 65537 modulo many small primes. A sound modulus is taken for one about once in 10⁸.
 * @see Nemec et al., The Return of Coppersmith's Attack, §4
 */
function isRoca(modulus: bigint): boolean {
  return markers.every(([prime, powers]) => powers.has(Number(modulus % prime)))
}

/** The members of a public RSA key, checked before any arithmetic with them. @throws HttpSigError `unsupported_algorithm` */
export function rsaMembers(members: Readonly<Record<string, unknown>>): { readonly n: string; readonly e: string } {
  const { n, e } = members
  const modulus = unsigned(n, mostBits / 8)
  if (typeof n !== 'string' || modulus === undefined || bits(modulus) < leastBits)
    throw unacceptableKey(offPage && 'n must have 2048 to 4096 bits, in canonical base64url without leading zeros', {
      member: 'n',
    })
  if (!isOdd(modulus)) throw unacceptableKey(offPage && 'n must be odd', { member: 'n' })
  const exponent = unsigned(e, exponentBytes)
  // e = 1 makes every message its own signature; small ones invite forgeries.
  if (typeof e !== 'string' || exponent === undefined || !isOdd(exponent) || integer(exponent) < 65537n)
    throw unacceptableKey(offPage && 'e must be odd, 65537 to 2^64, in canonical base64url without leading zeros', {
      member: 'e',
    })
  if (isRoca(integer(modulus)))
    throw unacceptableKey('n is of a generator whose keys can be computed (CVE-2017-15361)', {
      member: 'n',
    })
  return { n, e }
}

/** Length in bytes of a modulus that {@link rsaMembers} has accepted. */
export function modulusLength(n: string): number {
  return (n.length * 3) >> 2
}
