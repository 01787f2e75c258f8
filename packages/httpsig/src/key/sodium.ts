/**
 * The functions of libsodium that {@link ed25519With} needs, as the package `sodium-native` has them. They get signatures of 64 bytes, public
 * keys of 32, and secret keys of 64, the seed and its public key: lengths are checked before they are called.
 */
export interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  /** Writes the signature into the first argument. */
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
}

/** A library that was tried. */
interface Tried {
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): Promise<boolean>
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array
}

// Module state, as where signatures are verified (`verifyOn`).
let chosen: Tried | undefined

/**
 * The library that was chosen, for a message that it takes; undefined where `node:crypto` is to do it. `sodium-native` counts bytes modulo
 * 2³², so that a message of 4 GiB would pass under the signature of none, and sees no shared memory; `node:crypto` refuses the one and reads
 * the other.
 */
export function sodiumFor(message: Uint8Array): Tried | undefined {
  return message.byteLength < 2 ** 31 && message.buffer instanceof ArrayBuffer ? chosen : undefined
}

/**
 * Has libsodium make and verify signatures of Ed25519, for this copy of the package and in this thread, where they are asked for: it takes
 * less than half of the CPU that `node:crypto` takes. It gets the private keys of this process that sign with Ed25519 here, at their first
 * signature; not those of a KMS or another signer of yours.
 * @param library `node` for `node:crypto`, the default
 * @throws TypeError for a value that is neither; Error for a library that misjudges one of the signatures it is tried on, or makes another one
 */
export function ed25519With(library: Sodium | 'node'): void {
  if (library === 'node') {
    chosen = undefined
    return
  }
  if (!isSodium(library))
    throw new TypeError(
      "ed25519With takes 'node' or a library with crypto_sign_detached and crypto_sign_verify_detached",
    )
  // Kept as they are now: a function that is put in the place of one later was not tried.
  const judge = library.crypto_sign_verify_detached.bind(library)
  const make = library.crypto_sign_detached.bind(library)
  tryOut(judge, make)
  chosen = {
    verify: async (...of) => judge(...of) === true,
    sign(message, secretKey) {
      const signature = new Uint8Array(64)
      make(signature, message, secretKey)
      return signature
    },
  }
}

function isSodium(library: unknown): library is Sodium {
  const { crypto_sign_verify_detached, crypto_sign_detached } = (library ?? {}) as Partial<Sodium>
  return typeof crypto_sign_verify_detached === 'function' && typeof crypto_sign_detached === 'function'
}

type Judge = Sodium['crypto_sign_verify_detached']
type Make = Sodium['crypto_sign_detached']

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

// RFC 8032 §7.1, tests 2 and 3.
const key = hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
const seed = hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')
const otherKey = hex('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')
const message = Buffer.of(0x72)
const [r, s] = [
  hex('92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da'),
  hex('085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'),
]
/** The same S and the order of the group: a second spelling, which would make one signature two. */
const longS = hex('f52db7415978abc61b2c2eb6aeebfca0387b2eaeb4302aeeb00d291612bb0c10')

/** Valid by the equation with the cofactor only, which `node:crypto` does not use. */
const cofactored = {
  publicKey: hex('cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d'),
  message: hex('e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c'),
  signature: hex(
    '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
  ),
}

function tryOut(judge: Judge, make: Make): void {
  const signature = Buffer.concat([r, s])
  const otherR = Buffer.concat([r.map((byte, at) => (at === 0 ? byte ^ 1 : byte)), s])
  const trials: ReadonlyArray<readonly [verdict: boolean, Uint8Array, Uint8Array, Uint8Array]> = [
    [true, signature, message, key],
    [false, signature, Buffer.of(0x73), key],
    [false, signature, message, otherKey],
    [false, otherR, message, key],
    [false, Buffer.concat([r, longS]), message, key],
    [false, cofactored.signature, cofactored.message, cofactored.publicKey],
  ]
  for (const [verdict, ...of] of trials) if (outcome(() => judge(...of)) !== verdict) throw unsound()
  const made = Buffer.alloc(64)
  outcome(() => make(made, message, Buffer.concat([seed, key])))
  // A signature of Ed25519 is a function of key and message. With random numbers in it, it would be none of RFC 8032.
  if (!made.equals(signature)) throw unsound()
}

function outcome<T>(trial: () => T): T {
  try {
    return trial()
  } catch (cause) {
    throw unsound(cause)
  }
}

function unsound(cause?: unknown): Error {
  return new Error('the library does not make and verify signatures of Ed25519 as RFC 8032 says', { cause })
}
