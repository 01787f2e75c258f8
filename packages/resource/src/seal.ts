import { importVerifyKey, type VerifyKey } from '@countersign/httpsig'
import { base64urlDecode, base64urlEncode, signBytes } from '@countersign/httpsig/internal'
import type { PublishedKey } from '@countersign/protocol'
import { available } from './limit/available.js'
import { type Counter, memoryCounter } from './limit/counter.js'

/**
 * Marks values that a resource gives to a caller and gets back later, by its own signature. Any instance with the resource's keys can
 * open what another one has sealed. A sealed value can be read by its holder: it is not encrypted.
 */
export interface Seals {
  /** @throws SigningKeyError when the key fails */
  seal(value: string): Promise<string>
  /** The value; undefined for what none of the resource's keys has sealed. */
  open(sealed: string): Promise<string | undefined>
  /**
   * Whether what was sealed is used for the first time; if so, that it was used is remembered until it ends, by the counter of the
   * resource: once for all instances that share one.
   * @throws AAuthError `temporarily_unavailable` where that cannot be known, or there is no room in the share of the site
   */
  takeOnce(use: SealedUse): Promise<boolean>
}

/** The use of a sealed value. */
export interface SealedUse {
  /** A text that no other sealed value has. */
  readonly key: string
  /** Unix seconds, as `now`. */
  readonly ends: number
  readonly now: number
  /** Whose share of a bounded counter it takes. */
  readonly site: string
}

/** With a line break, as neither a JWS nor a signature base begins: what is sealed can never be used as one of them. */
const use = 'aauth-sealed\n'

/**
 * @param keys the first one seals, all of them open
 * @param counter default: one in memory, as for one that counts no calls
 */
export function createSeals(keys: readonly PublishedKey[], counter?: Pick<Counter, 'takeCall'>): Seals {
  // bound: keys of the program; grown by the program
  const verifiers = new Map<string, Promise<VerifyKey>>()
  const verifierOf = ({ kid, key }: PublishedKey): Promise<VerifyKey> => {
    const verifier = verifiers.get(kid) ?? importVerifyKey(key.publicJwk)
    verifiers.set(kid, verifier)
    return verifier
  }
  const counting = counter?.takeCall === undefined ? memoryCounter() : counter
  return {
    async takeOnce({ key, ends, now, site }) {
      const windows = [{ key: JSON.stringify(['sealed', key]), max: 1, ends }]
      const used = await available(Promise.resolve(counting.takeCall?.({ windows, now, site })))
      return used?.length === 0
    },
    async seal(value) {
      const [first] = keys
      if (first === undefined) throw new TypeError('a seal needs a key')
      const sealed = `${base64urlEncode(bytesOf(first.kid))}.${base64urlEncode(bytesOf(value))}`
      return `${sealed}.${base64urlEncode(await signBytes(first.key, bytesOf(use + sealed)))}`
    },
    async open(sealed) {
      const [kid = '', value = '', signature = '', ...more] = sealed.split('.', 4)
      const signer = keys.find(key => base64urlEncode(bytesOf(key.kid)) === kid)
      const bytes = more.length === 0 ? decoded(signature) : undefined
      if (signer === undefined || bytes === undefined) return undefined
      const verifier = await verifierOf(signer)
      if (!(await verifier.verify(bytesOf(`${use}${kid}.${value}`), bytes))) return undefined
      return textOf(decoded(value))
    },
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

function decoded(text: string): Uint8Array | undefined {
  try {
    return base64urlDecode(text)
  } catch {
    return undefined
  }
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

const seals = new WeakMap<object, Seals>()

/** Remembers the seals of a resource, for {@link sealsOf}. */
export function keepSeals(resource: object, keys: readonly PublishedKey[], counter: Counter): void {
  seals.set(resource, createSeals(keys, counter))
}

/** The seals of a resource that `createResource` made. @throws TypeError for another one */
export function sealsOf(resource: object): Seals {
  const found = seals.get(resource)
  if (found === undefined) throw new TypeError('only a resource made by createResource can seal')
  return found
}
