import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKeyInput,
  type KeyObject,
  randomFillSync,
  type SignKeyObjectInput,
  sign,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { Algorithm } from './algorithm.js'
import type { Cryptography, ImportedPrivate, ImportedPublic } from './cryptography.js'
import type { PublicJwk } from './jwk.js'

// The Node half of `#crypto`. A KeyObject with node:crypto costs less than a CryptoKey with subtle, and hashes are synchronous.

const hashes: Readonly<Record<Algorithm, 'sha256' | null>> = { Ed25519: null, ES256: 'sha256' }

/** Operations now on the thread pool or waiting to be put there. */
interface Turn {
  pooled: number
  waiting: Array<(alone: boolean) => void>
}

const turn: Turn = { pooled: 0, waiting: [] }

function flush(): void {
  const batch = turn.waiting
  turn.waiting = []
  const alone = batch.length === 1 && turn.pooled === 0
  for (const run of batch) run(alone)
}

/**
 * Runs an operation on this thread when it is the only one, on the pool when there are several:
 * the pool uses every core, but its hand-over costs a lone request more than the operation saves.
 */
function schedule<T>(here: () => T, pool: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (turn.waiting.length === 0) queueMicrotask(flush)
    turn.waiting.push(alone => {
      try {
        if (alone) return resolve(here())
        turn.pooled++
        pool((error, value) => {
          turn.pooled--
          if (error) reject(error)
          else resolve(value)
        })
      } catch (error) {
        reject(error as Error)
      }
    })
  })
}

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

export const sha256: Cryptography['sha256'] = data => createHash('sha256').update(data).digest()

export const sha512: Cryptography['sha512'] = data => createHash('sha512').update(data).digest()

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

async function generatePair(algorithm: Algorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  return algorithm === 'Ed25519'
    ? promisify(generateKeyPair)('ed25519', {})
    : promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
}

function members(key: KeyObject): { x: string; y?: string; d?: string } {
  const { x, y, d } = key.export({ format: 'jwk' })
  if (x === undefined) throw new TypeError('the runtime exported no public member')
  return { x, ...(y === undefined ? {} : { y }), ...(d === undefined ? {} : { d }) }
}

export const generate: Cryptography['generate'] = async algorithm => {
  const pair = await generatePair(algorithm)
  return { members: members(pair.publicKey), private: signer(pair.privateKey, algorithm) }
}

export const generateMembers: Cryptography['generateMembers'] = async algorithm => {
  const { d, ...rest } = members((await generatePair(algorithm)).privateKey)
  if (d === undefined) throw new TypeError('the runtime exported no private member')
  return { ...rest, d }
}
