import type { VectorBody } from './vector.js'

/** The value of a header. */
export interface VectorLine {
  readonly line: string
}

/** A Content-Digest and the body that it is of. */
export interface VectorDigest extends VectorLine {
  readonly body: VectorBody
}

/** The body of a request at a token endpoint. */
export interface VectorForm {
  readonly body: VectorBody
  readonly content_type: string
}

/** A text that may be an identifier. */
export interface VectorIdentifier {
  readonly value: string
  /** Whether it is read in development mode. */
  readonly development: boolean
}

/** The value of `scope`. */
export interface VectorScope {
  readonly scope: string
}

/** The value of `purposes`. */
export interface VectorPurposes {
  readonly purposes: string
}

/** A proof of a new key, and the rotation that it must be for. */
export interface VectorKeyProof {
  readonly proof: string
  /** The new key. */
  readonly jwk: Readonly<Record<string, unknown>>
  /** The delegate token endpoint. */
  readonly aud: string
  /** The delegate. */
  readonly sub: string
  /** The thumbprint of the key that is replaced. */
  readonly jkt: string
}

/** A key set, and the `kid` that is asked for. */
export interface VectorKeySet {
  readonly document: unknown
  readonly kid: string
}

/** A document, and the identifier for which it was fetched. */
export interface VectorMetadata {
  readonly role: 'aauth-agent' | 'aauth-resource' | 'aauth-issuer'
  readonly id: string
  readonly document: unknown
}

/** A public JWK. */
export interface VectorPublicKey {
  readonly jwk: Readonly<Record<string, unknown>>
}

/** The signature base of a request that a user is to approve, and what is shown of it. */
export interface VectorOperation {
  readonly base: string
  readonly display?: readonly string[]
}

/** A redirect URI, and what the metadata of the agent say about such. */
export interface VectorRedirect {
  readonly redirect_uri: string
  readonly metadata: { readonly redirect_uris?: readonly string[]; readonly localhost_callback_allowed?: boolean }
}
