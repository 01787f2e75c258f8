/** A digest algorithm, as RFC 9530 names it. */
export type HashName = 'sha-256' | 'sha-512'

/** A digest in the making: what `#hash` provides on every runtime. */
export interface Hash {
  update(chunk: Uint8Array): void
  /** Ends it. */
  digest(): Uint8Array
}
