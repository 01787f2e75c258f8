import type { UpstreamAccount } from '@countersign/auth-server'
import type { ReceivedMessage } from '@countersign/httpsig'
import { checkOptions, refusal } from '@countersign/protocol/internal'
import type { LoginProvider } from './login-method.js'

/** How the application that an auth server is mounted in signs its users in. */
export interface HostSessionOptions {
  /** Stands in paths: 1 to 32 of a-z, 0-9 and -. Default `host`. */
  readonly id?: string
  /** The application's name, for users, e.g. `Example`. */
  readonly name: string
  /** What the application's `subject`s are unique under, e.g. its URL. Never change it: every user would become another one. */
  readonly issuer: string
  /**
   * The account that is signed in to the application in the browser that sent this message, by the application's own session cookie;
   * undefined or null where there is none. `verifiedAt`: when the application last verified the user, Unix seconds.
   */
  account(message: ReceivedMessage): Promise<Omit<UpstreamAccount, 'issuer'> | null | undefined>
  /**
   * The application's sign-in page, which sends the browser to `returnTo` once the user is signed in. With `switchUser` it lets another
   * user sign in, and with `reauthenticate` it verifies the user anew.
   */
  // unchecked options o: others implement it, and we call it
  signInUrl(o: {
    readonly returnTo: string
    readonly loginHint?: string
    readonly switchUser?: true
    readonly reauthenticate?: true
  }): string
  /**
   * Ends the application's session of the browser that sent this message: `Set-Cookie` values. It is called when the user signs out
   * of the auth server. Default: the user stays signed in to the application.
   */
  signOut?(message: ReceivedMessage): Promise<readonly string[]>
}

/**
 * Signs users in by the session of the application that the auth server is mounted in, on the same origin: one user database, one
 * sign-in. A user who signs out of the application, or is another one there, is signed out of the auth server with the next request.
 * @throws TypeError for an option that is missing, unknown or of the wrong type
 * @example
 * ```ts
 * import { createAuthServer } from '@countersign/auth-server'
 * import { hostSession, userDesk } from '@countersign/user-desk'
 * import { keysFile } from '@countersign/server'
 *
 * const users = new Map([['s3cret-cookie', { id: '17', name: 'Ada' }]])
 * const auth = await createAuthServer({
 *   issuer: 'https://app.example',
 *   keys: await keysFile('auth-keys.json'),
 *   database: 'sqlite:auth.db',
 *   desk: userDesk({
 *     login: [
 *       hostSession({
 *         name: 'Example',
 *         issuer: 'https://app.example',
 *         async account({ headers }) {
 *           const cookies = headers.filter(([name]) => name.toLowerCase() === 'cookie').map(([, value]) => value)
 *           const user = users.get(/(?:^|; )session=([^;]+)/.exec(cookies.join('; '))?.[1] ?? '')
 *           return user && { subject: user.id, claims: { name: user.name } }
 *         },
 *         signInUrl: ({ returnTo }) => `https://app.example/sign-in?return_to=${encodeURIComponent(returnTo)}`,
 *       }),
 *     ],
 *   }),
 * })
 * ```
 */
export function hostSession(options: HostSessionOptions): LoginProvider {
  const texts = { id: 'string', name: 'string', issuer: 'string' } as const
  const functions = { account: 'function', signInUrl: 'function', signOut: 'function' } as const
  checkOptions('hostSession', options, { ...texts, ...functions }, ['name', 'issuer', 'account', 'signInUrl'])
  const { id = 'host', name, issuer, signInUrl, signOut } = options
  if (issuer === '') throw new TypeError('issuer of hostSession must not be empty')
  const current = async (message: ReceivedMessage): Promise<UpstreamAccount | undefined> => {
    const account = await options.account(message)
    if (account === undefined || account === null) return undefined
    // Every visitor without a subject would be the same user.
    if (typeof account.subject !== 'string' || account.subject === '')
      throw new TypeError('account of hostSession resolved with no subject')
    return { ...account, issuer }
  }
  return {
    id,
    name,
    async begin({ callback, state, message, ...asked }) {
      const returnTo = `${callback}?state=${state}`
      const isAsked = asked.switchUser === true || asked.reauthenticate === true
      if (!isAsked && (await current(message)) !== undefined) return { url: returnTo, saved: {} }
      return { url: signInUrl({ ...asked, returnTo }), saved: {} }
    },
    async finish({ message }) {
      const account = await current(message)
      if (account !== undefined) return account
      throw refusal('sign_in_failed', { about: 'no session of the site' })
    },
    async isSignedIn(account, message) {
      const now = await current(message)
      return now?.issuer === account.issuer && now.subject === account.subject
    },
    ...(signOut === undefined ? {} : { signOut: message => signOut(message) }),
  }
}
