import { randomBytes } from 'node:crypto'
import type { PasskeyTables } from '@countersign/auth-server/internal'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { type CeremonyOptions, creationOptions, requestOptions } from './ceremony-options.js'
import { type ChallengeFor, type Challenges, challengesWith, type NewPasskeyPurpose } from './challenge.js'
import { clientDataOf, type PasskeyCredential, readCredential } from './credential.js'
import type { Ceremony, PasskeyLogin } from './passkey-login.js'
import { type Assertion, findPasskey, passkeysOf, type Registration } from './passkey-store.js'

/** The browser that a challenge is for. */
export interface Browser {
  readonly id: string
}

/** What a page needs to use a passkey of the browser. */
export interface PasskeyCeremonies {
  readonly accounts: PasskeyLogin['accounts']
  /** Signing in with any passkey that the browser has for this auth server. */
  signInOptions(browser: Browser): Promise<CeremonyOptions>
  /** Verifying a user who is signed in. */
  verifyOptions(browser: Browser, sub: string): Promise<CeremonyOptions>
  /** A new passkey of a user. @param user.name what the authenticator shows for it */
  creationOptions(browser: Browser, user: NewOwner & { readonly name: string }): Promise<CeremonyOptions>
  /**
   * Checks a signature by a passkey for this browser.
   * @param sub the user whose passkey it must be; default any
   * @throws AAuthError `invalid_request` (`passkey_invalid`)
   */
  assertion(credential: string | undefined, browser: Browser, sub?: string): Promise<Assertion>
  /** Checks a new passkey for a user. @throws AAuthError `invalid_request` (`passkey_invalid`) */
  registration(
    form: { readonly credential: string | undefined; readonly name: string },
    browser: Browser,
    owner: NewOwner,
  ): Promise<Registration>
}

/** Who gets a new passkey, and why. */
export interface NewOwner {
  readonly sub: string
  readonly purpose: NewPasskeyPurpose
}

/**
 * The ceremonies of passkeys at an auth server.
 * @throws TypeError where the auth server has no host name: browsers keep no passkeys for IP addresses
 */
export function passkeyCeremonies(o: {
  readonly issuer: string
  readonly method: PasskeyLogin
  readonly store: Store<PasskeyTables>
  readonly now: () => number
}): PasskeyCeremonies {
  const { issuer, method, store, now } = o
  const { origin, hostname: rpId } = new URL(issuer)
  if (/^\[|^[\d.]+$/.test(rpId))
    throw new TypeError('passkeys need an issuer with a host name: browsers keep none for IP addresses')
  let known: Promise<Challenges> | undefined
  const challenges = (): Promise<Challenges> => {
    known ??= secretIn(store).then(
      secret => challengesWith({ secret, now }),
      (error: unknown) => {
        // The next page asks the database again.
        known = undefined
        throw error
      },
    )
    return known
  }
  const make = async (what: ChallengeFor): Promise<string> => (await challenges()).make(what)

  /** The ceremony of a credential whose challenge is ours, for this browser and purpose. */
  async function ceremonyOf(text: string | undefined, what: ChallengeFor): Promise<Ceremony> {
    const credential = readCredential(text)
    const data = credential && clientDataOf(credential)
    if (credential === undefined || data === undefined) throw passkeyRefusal('no credential')
    const { challenge, crossOrigin } = data
    if (!(await challenges()).isGood(challenge, what)) throw passkeyRefusal('challenge')
    // A page that frames this one could pass its user's touch on.
    if (crossOrigin) throw passkeyRefusal('crossOrigin')
    return { credential, challenge, origin, rpId }
  }

  return {
    accounts: method.accounts,
    signInOptions: async ({ id }) =>
      requestOptions({ challenge: await make({ browser: id, purpose: 'sign-in' }), rpId }),
    async verifyOptions({ id }, sub) {
      const challenge = await make({ browser: id, purpose: 'verify', sub })
      const allowed = (await passkeysOf(store.db, sub)).map(row => row.credential_id)
      return requestOptions({ challenge, rpId, allowed })
    },
    async creationOptions({ id }, { sub, purpose, name }) {
      const challenge = await make({ browser: id, purpose, sub })
      const rows = await passkeysOf(store.db, sub)
      return creationOptions({ challenge, rpId, sub, name, known: rows.map(row => row.credential_id) })
    },
    async assertion(text, { id }, sub) {
      const purpose = sub === undefined ? 'sign-in' : 'verify'
      const ceremony = await ceremonyOf(text, { browser: id, purpose, sub })
      const row = await findPasskey(store.db, ceremony.credential.id)
      if (row === undefined || (sub !== undefined && row.sub !== sub) || !isOf(ceremony.credential, row.sub))
        throw passkeyRefusal('no such passkey')
      const publicKey = Buffer.from(row.public_key, 'base64url')
      const checked = await method.checks.asserted(ceremony, publicKey).catch(refuse)
      return { row, challenge: ceremony.challenge, ...checked }
    },
    async registration({ credential, name }, { id }, { sub, purpose }) {
      const ceremony = await ceremonyOf(credential, { browser: id, purpose, sub })
      const passkey = await method.checks.registered(ceremony).catch(refuse)
      return { passkey, challenge: ceremony.challenge, name }
    },
  }
}

/** An authenticator that names the user must name the owner of the passkey. */
function isOf({ response: { userHandle } }: PasskeyCredential, sub: string): boolean {
  return userHandle === undefined || userHandle === Buffer.from(sub).toString('base64url')
}

function refuse(error: unknown): never {
  throw passkeyRefusal(error instanceof Error ? error.message.slice(0, 200) : 'not verified')
}

/** The refusal of a passkey. Users see one text for all faults, which are data of the event. */
export function passkeyRefusal(fault: string): AAuthError {
  return refusal('passkey_invalid', { cause: { fault } })
}

/** Made by the first instance that needs it. */
async function secretIn(store: Store<PasskeyTables>): Promise<string> {
  const name = 'passkey-challenges'
  const read = () =>
    store.db.selectFrom('auth_server_secrets').select('value').where('name', '=', name).executeTakeFirst()
  const known = await read()
  if (known !== undefined) return known.value
  const value = randomBytes(32).toString('base64url')
  await store.write(tx =>
    tx
      .insertInto('auth_server_secrets')
      .values({ name, value })
      .onConflict(on => on.column('name').doNothing())
      .execute(),
  )
  return (await read())?.value ?? value
}
