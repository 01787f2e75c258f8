import { checkOptions, type OptionChecks } from '@countersign/protocol'

/** What a login told about a user; each claim only where the provider gave it, and only of its proper type. */
export interface UserClaims {
  readonly name?: string
  readonly email?: string
  /** Whether the provider vouches for `email`. */
  readonly email_verified?: boolean
}

/** Somebody as an upstream knows them. A user is the pair of `issuer` and `subject`; e-mail addresses change hands. */
export interface UpstreamAccount {
  /** Who vouches for `subject`, e.g. the upstream's issuer URL: what the subject is unique under, whatever the provider is called. */
  readonly issuer: string
  readonly subject: string
  readonly claims: UserClaims
}

/** What a provider needs to send a browser away. */
export interface LoginStart {
  /** Where the provider sends the browser back to: one URL per provider, so that no other can answer in its place. */
  readonly callback: string
  /** Fresh, unguessable, and known to this browser alone; the provider hands it back. */
  readonly state: string
  /** Whom the agent expects to sign in: a hint, never a fact. */
  readonly loginHint?: string
  /** The user said that they are not who is signed in: do not take the same one again without asking. */
  readonly switchUser?: true
}

/** An upstream that signs users in on pages of its own. */
export interface LoginProvider {
  /** Stands in the callback's path: 1 to 32 of a-z, 0-9 and -. */
  readonly id: string
  /** What the button says, e.g. `Example Corp`. */
  readonly name: string
  /** Where to send the browser, and what {@link finish} will need to know: short strings, kept in the browser's cookie,
   * about 2000 characters of them. */
  begin(start: LoginStart): Promise<{ readonly url: string; readonly saved: Readonly<Record<string, string>> }>
  /**
   * Who came back.
   * @throws AAuthError `access_denied` when the provider or the user said no, `temporarily_unavailable` when it does not answer
   */
  finish(callback: {
    /** The whole URL the browser came back to. */
    readonly url: string
    readonly state: string
    readonly saved: Readonly<Record<string, string>>
  }): Promise<UpstreamAccount>
}

/** Made-up users to choose from, without a password. @see {@link demoUsers} */
export interface DemoLogin {
  readonly id: 'demo'
  readonly name: string
  readonly users: readonly UpstreamAccount[]
}

/** A way to sign in. */
export type LoginMethod = LoginProvider | DemoLogin

/** One of {@link demoUsers}. */
export interface DemoUser extends UserClaims {
  readonly name: string
  /** What the made-up upstream calls them; default: the name. */
  readonly subject?: string
}

const userChecks: OptionChecks<DemoUser> = {
  name: 'string',
  subject: 'string',
  email: 'string',
  email_verified: 'boolean',
}

/**
 * A chooser of made-up users, for development: whoever opens the page is whom they say.
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
    // Anyone could be anyone.
    if ('users' in method && !o.development) throw new TypeError('demoUsers sign in without proof: development only')
  }
  if (new Set(methods.map(method => method.id)).size !== methods.length) {
    throw new TypeError('two login providers have the same id')
  }
}
