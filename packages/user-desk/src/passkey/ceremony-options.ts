/** COSE algorithms of passkeys: Ed25519, ES256, RS256 (Windows Hello). */
export const supportedAlgorithms = [-8, -7, -257] as const

/** Milliseconds that a browser waits for the authenticator. */
const timeout = 300_000

/** Options as `PublicKeyCredential.parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` take them. */
export type CeremonyOptions = Readonly<Record<string, unknown>>

/** The options of a new passkey, which the browser then offers by itself for signing in. */
export function creationOptions(o: {
  readonly challenge: string
  readonly rpId: string
  /** The `sub` of the user. */
  readonly sub: string
  /** What the authenticator shows for the passkey. */
  readonly name: string
  /** The passkeys that the user has: an authenticator makes only one. */
  readonly known: readonly string[]
}): CeremonyOptions {
  return {
    challenge: o.challenge,
    rp: { id: o.rpId, name: o.rpId },
    user: { id: Buffer.from(o.sub).toString('base64url'), name: o.name, displayName: o.name },
    pubKeyCredParams: supportedAlgorithms.map(alg => ({ type: 'public-key', alg })),
    excludeCredentials: o.known.map(id => ({ type: 'public-key', id })),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    attestation: 'none',
    timeout,
  }
}

/** The options of a signature by a passkey. @param o.allowed which ones; default: all that the browser has */
export function requestOptions(o: {
  readonly challenge: string
  readonly rpId: string
  readonly allowed?: readonly string[]
}): CeremonyOptions {
  const { challenge, rpId, allowed = [] } = o
  return {
    challenge,
    rpId,
    allowCredentials: allowed.map(id => ({ type: 'public-key', id })),
    userVerification: 'required',
    timeout,
  }
}
