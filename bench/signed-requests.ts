import {
  generatePrivateJwk,
  importSigningKey,
  type OpenOptions,
  openSignature,
  type PrivateJwk,
  type ReceivedMessage,
  type SignatureKey,
  type SigningKey,
  signRequest,
  verifyKeyCache,
  verifySignature,
} from '@countersign/httpsig'
import type { Subject } from './measure.js'

/** The authority every request is for. */
export const authority: string = 'calendar.example'
/** Unix seconds at which pools are signed: all of them are opened at this time, however long a run takes. */
export const signedAt: number = Date.now() / 1000
/** The clock of what opens them. */
export const atSigning = (): number => signedAt
/** How they are opened. */
export const open: OpenOptions = { authorities: [authority], scheme: 'https', now: atSigning }
const encoder = new TextEncoder()

/** Requests no two of which are alike, so that no cache of whole headers can win. */
export interface SignedPool {
  readonly jwk: PrivateJwk
  readonly key: SigningKey
  /** All by one inline key. */
  readonly sameKey: readonly ReceivedMessage[]
  /** Each by an inline key of its own. */
  readonly freshKeys: readonly ReceivedMessage[]
}

/** Walks a pool round and round. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length]
  if (item === undefined) throw new RangeError('the pool is empty')
  return item
}

/** The URL of a request by number. */
export function urlOf(index: number): string {
  return `https://${authority}/events/${index}?from=2026-01-${String((index % 28) + 1).padStart(2, '0')}`
}

/** One distinct request, as its receiver gets it. */
export async function signed(index: number, key: SigningKey, signatureKey: SignatureKey): Promise<ReceivedMessage> {
  const url = new URL(urlOf(index))
  const headers = [
    ['Host', authority],
    ['User-Agent', 'bench/1'],
    ['Accept', 'application/json'],
  ] as const
  const added = await signRequest({ method: 'GET', url, key, signatureKey, now: atSigning })
  return { method: 'GET', target: url.pathname + url.search, headers: [...headers, ...added], peer: '192.0.2.1' }
}

/** Signs `size` distinct requests of each kind. */
export async function signedPool(size: number): Promise<SignedPool> {
  const jwk = await generatePrivateJwk()
  const key = await importSigningKey(jwk)
  const numbers = Array.from({ length: size }, (_, i) => i)
  const inline = async (index: number, by: SigningKey): Promise<ReceivedMessage> =>
    signed(index, by, { scheme: 'hwk', jwk: by.publicJwk })
  return {
    jwk,
    key,
    sameKey: await Promise.all(numbers.map(i => inline(i, key))),
    freshKeys: await Promise.all(numbers.map(async i => inline(i, await importSigningKey(await generatePrivateJwk())))),
  }
}

/** Bare `subtle.verify` over the signature bases of the same messages. */
export async function bareVerify(pool: SignedPool, messages: readonly ReceivedMessage[]): Promise<Subject> {
  const { kty, crv, x } = { crv: '', x: '', ...pool.jwk }
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x }, { name: 'Ed25519' }, false, ['verify'])
  const inputs = messages.map(message => {
    const opened = openSignature(message, open)
    return { base: encoder.encode(opened.base), signature: new Uint8Array(opened.signature) }
  })
  return {
    id: 'bare subtle.verify',
    run: async index => {
      const { base, signature } = at(inputs, index)
      if (!(await crypto.subtle.verify('Ed25519', key, signature, base)))
        throw new Error('the baseline does not verify')
    },
  }
}

/** Bare `subtle.sign` over bases of the same length. */
export async function bareSign(pool: SignedPool): Promise<Subject> {
  const { kty, crv, x, d } = { crv: '', x: '', ...pool.jwk }
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, d }, { name: 'Ed25519' }, false, ['sign'])
  const bases = pool.sameKey.map(message => encoder.encode(openSignature(message, open).base))
  return { id: 'bare subtle.sign', run: index => crypto.subtle.sign('Ed25519', key, at(bases, index)) }
}

/** A received message to the verdict, by its inline key. */
export function verifyHwk(id: string, messages: readonly ReceivedMessage[]): Subject {
  // Half the pool: requests that all have keys of their own never find one here.
  const keys = verifyKeyCache({ capacity: messages.length / 2 })
  return {
    id,
    run: async index => {
      const opened = openSignature(at(messages, index), open)
      if (opened.signatureKey.scheme !== 'hwk') throw new Error('not an inline key')
      await verifySignature(opened, await keys.import(opened.signatureKey.jwk))
    },
  }
}

/** `signRequest` with an inline key. */
export function signHwk(id: string, pool: SignedPool): Subject {
  const signatureKey: SignatureKey = { scheme: 'hwk', jwk: pool.key.publicJwk }
  return { id, run: index => signRequest({ method: 'GET', url: urlOf(index), key: pool.key, signatureKey }) }
}
