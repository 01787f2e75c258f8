/** What a signer, or somebody between signer and verifier, did otherwise; each has one sentence of advice. */
export type SignatureCause =
  // Found by looking.
  | 'unsigned'
  | 'header-missing'
  | 'header-repeated'
  | 'header-malformed'
  | 'label-mismatch'
  | 'tagged'
  | 'old-signature-key'
  | 'scheme-unknown'
  | 'key-refused'
  | 'target-refused'
  | 'authority-not-served'
  | 'component-not-covered'
  | 'component-missing'
  | 'component-repeated'
  | 'query-covered'
  | 'body-missing'
  | 'digest-missing'
  | 'digest-malformed'
  | 'body-altered'
  | 'created-missing'
  | 'clock'
  | 'expired'
  | 'algorithm'
  | 'signature-encoding'
  | 'signature-length'
  | 'refused'
  // Found by verifying: the signature holds under exactly this change.
  | 'authority-host'
  | 'authority-forwarded'
  | 'authority-port'
  | 'authority-case'
  | 'authority-scheme'
  | 'authority-other'
  | 'path-slash'
  | 'path-decoded'
  | 'path-encoded'
  | 'path-with-query'
  | 'path-forwarded'
  | 'query-mark'
  | 'query-empty'
  | 'query-order'
  | 'query-space'
  | 'query-decoded'
  | 'query-encoded'
  | 'method'
  | 'scheme'
  | 'content-type'
  | 'content-digest'
  | 'header-spacing'
  | 'header-case'
  | 'header-lines'
  | 'signature-key-spelling'
  | 'parameters-order'
  | 'parameters-spelling'
  | 'parameters-added'
  | 'created-changed'
  | 'base-spelling'
  | 'signature-der'
  | 'wrong-key'
  | 'unexplained'

/** One thing that is wrong, and what to change. */
export interface SignatureFinding {
  readonly cause: SignatureCause
  /** The component, header or parameter at fault. */
  readonly at?: string
  /** What to change, in one sentence without anything of the peer's in it but names of components. */
  readonly change: string
  /** What came, tokens shortened. */
  readonly received?: string
  /** What was signed, or would be right; tokens shortened. */
  readonly expected?: string
}
