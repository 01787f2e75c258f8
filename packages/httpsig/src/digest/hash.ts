/** A digest algorithm, as RFC 9530 names it. */
export type HashName = 'sha-256' | 'sha-512'

/** A digest that is being computed; `#hash` provides it on every runtime. */
export interface Hash {
  update(chunk: Uint8Array): void
  /** Call it once, after the last chunk. */
  digest(): Uint8Array
}
