import { checkOptions } from '@countersign/protocol/internal'
import {
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { decodeAttestationObject } from '@simplewebauthn/server/helpers'
import { supportedAlgorithms } from './ceremony-options.js'
import type { AccountCreation, Ceremony, NewPasskey, PasskeyLogin } from './passkey-login.js'

export type { PasskeyCredential } from './credential.js'
export type { AccountCreation, Ceremony, NewPasskey, PasskeyChecks, PasskeyLogin } from './passkey-login.js'

/** How accounts with passkeys are made. */
export interface PasskeysOptions {
  /**
   * Who may make an account: `open`, everyone; `invitation`, those with a link of the operator (`inviteUser`); `openid`, users of the
   * other login methods only, who may add passkeys. Default `invitation`.
   */
  readonly accounts?: AccountCreation
}

/**
 * Signs users in with passkeys, kept by this auth server, so that it needs no other service. The public address of the auth server must
 * have a host name: browsers keep no passkeys for IP addresses. Needs the package `@simplewebauthn/server`.
 * @throws TypeError for an unknown option
 * @see Web Authentication Level 3
 * @example
 * ```ts
 * import { createAuthServer } from '@countersign/auth-server'
 * import { userDesk } from '@countersign/user-desk'
 * import { passkeys } from '@countersign/user-desk/passkeys'
 * import { keysFile } from '@countersign/server'
 *
 * const auth = await createAuthServer({
 *   issuer: 'https://auth.example',
 *   keys: await keysFile('auth-keys.json'),
 *   database: 'sqlite:auth.db',
 *   desk: userDesk({ login: [passkeys()] }),
 * })
 * ```
 */
export function passkeys(options: PasskeysOptions = {}): PasskeyLogin {
  checkOptions('passkeys', options, { accounts: ['open', 'invitation', 'openid'] })
  const { accounts = 'invitation' } = options
  return { id: 'passkey', name: 'Passkey', accounts, checks: { registered, asserted } }
}

async function registered(ceremony: Ceremony): Promise<NewPasskey> {
  const { credential } = ceremony
  const { attestationObject } = credential.response
  if (attestationObject === undefined) throw new TypeError('no attestation object')
  checkAttestation(attestationObject)
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    response: credential as unknown as RegistrationResponseJSON,
    expectedChallenge: ceremony.challenge,
    expectedOrigin: ceremony.origin,
    expectedRPID: ceremony.rpId,
    expectedType: 'webauthn.create',
    requireUserVerification: true,
    supportedAlgorithmIDs: [...supportedAlgorithms],
  })
  if (!verified || registrationInfo === undefined) throw new TypeError('not verified')
  const { id, publicKey, counter } = registrationInfo.credential
  return { id, publicKey, count: counter, backedUp: registrationInfo.credentialBackedUp }
}

/**
 * Refuses an attestation with certificates: none was asked for, and certificates name URLs of revocation lists, which the library
 * would fetch before it has verified anything (SSRF). Other formats hold theirs elsewhere, so two are let through: none, and a
 * passkey that signs for itself.
 */
function checkAttestation(attestationObject: string): void {
  const attestation = decodeAttestationObject(new Uint8Array(Buffer.from(attestationObject, 'base64url')))
  const [format, statement] = [attestation.get('fmt'), attestation.get('attStmt')]
  const isPlain = format === 'none' || (format === 'packed' && statement.get('x5c') === undefined)
  if (!isPlain) throw new TypeError('an attestation with certificates')
}

async function asserted(
  { credential, challenge, origin, rpId }: Ceremony,
  publicKey: Uint8Array,
): Promise<Pick<NewPasskey, 'count' | 'backedUp'>> {
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response: credential as unknown as AuthenticationResponseJSON,
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: rpId,
    expectedType: 'webauthn.get',
    requireUserVerification: true,
    // The count is compared by the caller, where it is stored.
    credential: { id: credential.id, publicKey: new Uint8Array(publicKey), counter: 0 },
  })
  if (!verified || !authenticationInfo.userVerified) throw new TypeError('not verified')
  return { count: authenticationInfo.newCounter, backedUp: authenticationInfo.credentialBackedUp }
}
