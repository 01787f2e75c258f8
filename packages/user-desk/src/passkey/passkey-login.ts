import type { PasskeyCredential } from './credential.js'

/** Who may make an account without an OpenID provider. */
export type AccountCreation = 'open' | 'invitation' | 'openid'

/** A passkey that was just made. */
export interface NewPasskey {
  /** The credential id, base64url. */
  readonly id: string
  /** The public key in COSE form. */
  readonly publicKey: Uint8Array
  /** How often it has signed; 0 where the authenticator does not count. */
  readonly count: number
  /** Whether copies of it are on other devices of the user. */
  readonly backedUp: boolean
}

/** What a response of an authenticator is checked against. */
export interface Ceremony {
  readonly credential: PasskeyCredential
  readonly challenge: string
  /** The origin of this auth server. */
  readonly origin: string
  /** Its host without the port. */
  readonly rpId: string
}

/** Checks what authenticators sign. Each rejects for a response that is wrong in any part. */
export interface PasskeyChecks {
  /** A new passkey, made with user verification. */
  registered(ceremony: Ceremony): Promise<NewPasskey>
  /** A signature with user verification; resolves with the authenticator's count. */
  asserted(ceremony: Ceremony, publicKey: Uint8Array): Promise<Pick<NewPasskey, 'count' | 'backedUp'>>
}

/** Signing in with a passkey: what `passkeys` of `@countersign/user-desk/passkeys` makes. */
export interface PasskeyLogin {
  readonly id: 'passkey'
  readonly name: string
  readonly accounts: AccountCreation
  readonly checks: PasskeyChecks
}
