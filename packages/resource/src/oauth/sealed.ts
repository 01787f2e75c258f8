import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** Encrypts texts, so that a copy of the database shows none of them, and none can be moved to another row. */
export interface Seal {
  /**
   * A keyed hash that replaces `text` in a database: the same text has the same hash. `name` is by the first key, for writing;
   * `before` has one by each older key, in their order.
   */
  names(text: string): { readonly name: string; readonly before: readonly string[] }
  /** Encrypts. The result can be decrypted for the same `place` only. */
  close(text: string, place: string): Uint8Array
  /** Decrypts; undefined if no key fits, or the bytes were changed or moved to another place. */
  open(sealed: Uint8Array, place: string): string | undefined
}

const keyBytes = 32
const [version, idBytes, nonceBytes, tagBytes] = [1, 8, 12, 16]

interface Key {
  /** Says which key sealed; tells nothing about it. */
  readonly id: Buffer
  readonly secret: Buffer
  /** Makes names. */
  readonly names: Buffer
}

/**
 * AES-256-GCM under keys derived from `keys`: the first seals and names, all open and find. To replace a key put the new one
 * first, and take the old one out when what it sealed has been written anew or has ended.
 * @throws TypeError when a key has not 32 bytes, or there is none
 */
export function sealWith(keys: readonly Uint8Array[]): Seal {
  if (keys.length === 0 || keys.some(key => key.length !== keyBytes))
    throw new TypeError('encryption keys must be at least one, of 32 bytes each')
  const all: readonly Key[] = keys.map(key => ({
    id: derived(key, 'countersign key id').subarray(0, idBytes),
    secret: derived(key, 'countersign tokens'),
    names: derived(key, 'countersign names'),
  }))
  return {
    names(text) {
      const [name = '', ...before] = all.map(key => createHmac('sha256', key.names).update(text).digest('base64url'))
      return { name, before }
    },
    close(text, place) {
      const [key] = all
      if (key === undefined) throw new TypeError('there is no key')
      const nonce = randomBytes(nonceBytes)
      const head = Buffer.concat([Buffer.of(version), key.id])
      const cipher = createCipheriv('aes-256-gcm', key.secret, nonce)
      cipher.setAAD(Buffer.concat([head, Buffer.from(place)]))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return new Uint8Array(Buffer.concat([head, nonce, cipher.getAuthTag(), body]))
    },
    open(sealed, place) {
      const bytes = Buffer.from(sealed)
      const head = bytes.subarray(0, 1 + idBytes)
      const key = all.find(({ id }) => id.equals(head.subarray(1)))
      if (key === undefined || head[0] !== version || bytes.length < head.length + nonceBytes + tagBytes)
        return undefined
      const nonce = bytes.subarray(head.length, head.length + nonceBytes)
      const tag = bytes.subarray(head.length + nonceBytes, head.length + nonceBytes + tagBytes)
      const decipher = createDecipheriv('aes-256-gcm', key.secret, nonce)
      decipher.setAAD(Buffer.concat([head, Buffer.from(place)])).setAuthTag(tag)
      try {
        const body = bytes.subarray(head.length + nonceBytes + tagBytes)
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
      } catch {
        return undefined
      }
    },
  }
}

function derived(key: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', purpose, keyBytes))
}
