import crypto, {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKeyInput,
  type KeyObject,
  randomBytes,
  randomFillSync,
  type SignKeyObjectInput,
  sign,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto'
import type { Algorithm } from './algorithm.js'
import type { Cryptography, ImportedPrivate, ImportedPublic, PrivateMembers } from './cryptography.js'
import type { PublicJwk } from './jwk.js'

// The Node half of `#crypto`. A KeyObject with node:crypto costs less than a CryptoKey with subtle, and hashes are synchronous.

const hashes: Readonly<Record<Algorithm, 'sha256' | null>> = { Ed25519: null, ES256: 'sha256' }

type Outcome<T> = (error: Error | null, value: T) => void

/** Decides where operations run. */
interface Turn {
  /** On the thread pool now. */
  pooled: number
  /** Asked for in this turn, not yet placed. */
  waiting: Array<(alone: boolean) => void>
}

const turn: Turn = { pooled: 0, waiting: [] }

function place(): void {
  const batch = turn.waiting
  turn.waiting = []
  const alone = batch.length === 1 && turn.pooled === 0
  for (const run of batch) run(alone)
}

/**
 * Runs an operation on this thread when it is the only one, on the pool when there are several:
 * the pool uses every core, but its hand-over costs a lone request more than the operation saves.
 */
function schedule<T>(here: () => T, pool: (done: Outcome<T>) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const toPool = (): void => {
      turn.pooled++
      pool((error, value) => {
        turn.pooled--
        if (error) reject(error)
        else resolve(value)
      })
    }
    if (turn.pooled > 0) return toPool()
    if (turn.waiting.length === 0) queueMicrotask(place)
    turn.waiting.push(alone => {
      try {
        if (alone) resolve(here())
        else toPool()
      } catch (error) {
        reject(error as Error)
      }
    })
  })
}

export const ascii: Cryptography['ascii'] = text => Buffer.from(text, 'latin1')

const randomPool = Buffer.alloc(4096)
let randomUsed = randomPool.length

export const random16: Cryptography['random16'] = () => {
  // One call for many: each costs more than all else that signing does besides the signature.
  if (randomUsed === randomPool.length) {
    randomFillSync(randomPool)
    randomUsed = 0
  }
  const bytes = Uint8Array.from(randomPool.subarray(randomUsed, randomUsed + 16))
  randomUsed += 16
  return bytes
}

// One call costs a third of a Hash object; other runtimes that offer node:crypto may lack it.
const oneShot = (crypto as { readonly hash?: typeof crypto.hash }).hash

function digest(algorithm: 'sha256' | 'sha512', data: Uint8Array | string): Uint8Array {
  return oneShot ? oneShot(algorithm, data, 'buffer') : createHash(algorithm).update(data).digest()
}

export const sha256: Cryptography['sha256'] = data => digest('sha256', data)

export const sha512: Cryptography['sha512'] = data => digest('sha512', data)

function bare(jwk: PublicJwk): JsonWebKeyInput['key'] {
  return jwk.kty === 'OKP'
    ? { kty: jwk.kty, crv: jwk.crv, x: jwk.x }
    : { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y }
}

/** What `verify` and `sign` take: a bare KeyObject where it will do, for an options object costs several microseconds. */
function operand(key: KeyObject, algorithm: Algorithm): KeyObject | (VerifyKeyObjectInput & SignKeyObjectInput) {
  return algorithm === 'Ed25519' ? key : { key, dsaEncoding: 'ieee-p1363' }
}

export const importPublic: Cryptography['importPublic'] = (jwk): ImportedPublic => {
  const key = operand(createPublicKey({ format: 'jwk', key: bare(jwk) }), jwk.alg)
  const hash = hashes[jwk.alg]
  return {
    verify: (data, signature) =>
      schedule(
        () => verify(hash, data, key, signature),
        done => verify(hash, data, key, signature, done),
      ),
  }
}

function signer(privateKey: KeyObject, algorithm: Algorithm): ImportedPrivate {
  const key = operand(privateKey, algorithm)
  const hash = hashes[algorithm]
  // Here, never on the pool: signing costs about as much as the way to the pool and back.
  return { sign: async data => sign(hash, data, key) }
}

export const importPrivate: Cryptography['importPrivate'] = (jwk): ImportedPrivate =>
  signer(createPrivateKey({ format: 'jwk', key: { ...bare(jwk), d: jwk.d } }), jwk.alg)

// DER up to the 32 bytes of an Ed25519 private key (RFC 8410 §7).
const ed25519Pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

function ed25519Members(): PrivateMembers {
  const seed = randomBytes(32)
  const privateKey = createPrivateKey({ format: 'der', type: 'pkcs8', key: Buffer.concat([ed25519Pkcs8, seed]) })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { x, d: seed.toString('base64url') }
}

function es256Members(): PrivateMembers {
  const pair = createECDH('prime256v1')
  const point = pair.generateKeys()
  // Node drops leading zero bytes of the private value; a JWK keeps them.
  const d = Buffer.concat([Buffer.alloc(32), pair.getPrivateKey()]).subarray(-32)
  return {
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
    d: d.toString('base64url'),
  }
}

// Not generateKeyPair: exporting a pair as JWK locks the key, and when the garbage collector runs just then and finishes
// the job that made the pair, that locks it again. Node 20 then hangs for good.
export const generateMembers: Cryptography['generateMembers'] = algorithm =>
  algorithm === 'Ed25519' ? ed25519Members() : es256Members()
