import type { UpstreamAccount, UserClaims } from '@countersign/auth-server'
import type { ReceivedMessage } from '@countersign/httpsig'
import { checkOptions, type OptionChecks } from '@countersign/protocol/internal'
import type { PasskeyLogin } from '../passkey/passkey-login.js'

/** What a provider needs to begin a login. */
export interface LoginStart {
  /** Where the provider sends the browser back to: one URL per provider, so that no other can answer in its place. */
  readonly callback: string
  /** Fresh, unguessable, and known to this browser alone; the provider hands it back. */
  readonly state: string
  /** The user whom the agent expects to sign in. A hint only. */
  readonly loginHint?: string
  /** The user wants to switch accounts: do not sign the same one in again without asking. */
  readonly switchUser?: true
  /** Verify the user anew, even one who is signed in at the provider. */
  readonly reauthenticate?: true
  /** The browser's request, for a provider on the same origin. */
  readonly message: ReceivedMessage
}

/** A login provider: it signs users in on its own pages. */
export interface LoginProvider {
  /** Stands in the callback's path: 1 to 32 of a-z, 0-9 and -. */
  readonly id: string
  /** What the button says, e.g. `Example Corp`. */
  readonly name: string
  /** Where to send the browser, and what {@link finish} will need: strings of about 2000 characters in all, kept in a cookie. */
  begin(start: LoginStart): Promise<{ readonly url: string; readonly saved: Readonly<Record<string, string>> }>
  /**
   * The account that signed in.
   * @throws AAuthError `access_denied` when the provider or the user said no, `temporarily_unavailable` when it does not answer
   */
  // unchecked options callback: others implement it, and we call it
  finish(callback: {
    /** The whole URL the browser came back to. */
    readonly url: string
    readonly state: string
    readonly saved: Readonly<Record<string, string>>
    /** The browser's request, for a provider on the same origin. */
    readonly message: ReceivedMessage
  }): Promise<UpstreamAccount>
  /**
   * Whether the browser that sent this message is still signed in there with that account. Asked with every page; false signs the user
   * out here. Default: a user stays signed in here until they sign out here.
   */
  isSignedIn?(account: Pick<UpstreamAccount, 'issuer' | 'subject'>, message: ReceivedMessage): Promise<boolean>
  /** Signs the user of this browser out there, when they sign out here: `Set-Cookie` values. Default: they stay signed in there. */
  signOut?(message: ReceivedMessage): Promise<readonly string[]>
}

/** A chooser of made-up users, without a password. @see {@link demoUsers} */
export interface DemoLogin {
  readonly id: 'demo'
  readonly name: string
  readonly users: readonly UpstreamAccount[]
}

/** A way to sign in. */
export type LoginMethod = LoginProvider | DemoLogin | PasskeyLogin

/** One of {@link demoUsers}. */
export interface DemoUser extends UserClaims {
  readonly name: string
  /** The subject of their account; default: the name. */
  readonly subject?: string
}

const userChecks: OptionChecks<DemoUser> = {
  name: 'string',
  subject: 'string',
  email: 'string',
  email_verified: 'boolean',
}

/**
 * A chooser of made-up users, for development: each visitor signs in as the user they choose, without a password.
 * An auth server that is not in development mode refuses it with a TypeError.
 * @throws TypeError without users, or when two have the same subject
 */
export function demoUsers(users: readonly DemoUser[]): DemoLogin {
  for (const user of users) checkOptions('demoUsers', user, userChecks, ['name'])
  const accounts = users.map(({ subject, ...claims }) => ({ issuer: 'demo', subject: subject ?? claims.name, claims }))
  if (accounts.length === 0) throw new TypeError('demoUsers needs at least one user')
  if (new Set(accounts.map(account => account.subject)).size !== accounts.length) {
    throw new TypeError('two demo users have the same subject')
  }
  return { id: 'demo', name: 'Demo users', users: accounts }
}

/**
 * Checks a list of ways to sign in.
 * @throws TypeError when it is empty, an id is unfit for a path or there twice, or demo users stand outside development
 */
export function checkLoginMethods(methods: readonly LoginMethod[], o: { readonly development: boolean }): void {
  if (methods.length === 0) throw new TypeError('login must name at least one way to sign in')
  for (const method of methods) {
    if (!/^[a-z0-9-]{1,32}$/.test(method.id))
      throw new TypeError('the id of a login provider is 1 to 32 of a-z, 0-9, -')
    if (method.name === '') throw new TypeError('a login provider needs a name')
    // A route of passkeys stands where the start of a provider with this id would.
    if (method.id === 'passkey' && !('checks' in method)) throw new TypeError('the id passkey is that of passkeys()')
    // Without a password, each visitor could be every user.
    if ('users' in method && !o.development) {
      throw new TypeError('demoUsers sign in without a password: development only')
    }
  }
  const passkeys = methods.find(method => 'checks' in method)
  if (passkeys?.accounts === 'openid' && methods.length === 1)
    throw new TypeError("passkeys with accounts: 'openid' need a login provider, at which users make their accounts")
  if (new Set(methods.map(method => method.id)).size !== methods.length) {
    throw new TypeError('two login providers have the same id')
  }
}
