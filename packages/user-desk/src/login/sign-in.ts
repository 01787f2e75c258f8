import type { Reporter } from '@countersign/audit/internal'
import type { LoginEvent } from '@countersign/auth-server'
import type { LoginTables } from '@countersign/auth-server/internal'
import { toldOf, type Users, usersIn } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { type AAuthError, authorityOf } from '@countersign/protocol'
import { cookiesOf, type Route, refusal, seeOther } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Looks } from '../pages/look.js'
import { pageResponse, pageRoute } from '../pages/page-response.js'
import { isReturnPath } from '../pages/return-path.js'
import type { SignInCause } from '../pages/sign-in-cause.js'
import { signInPage } from '../pages/sign-in-page.js'
import { signedOutPage, signOutPage } from '../pages/sign-out-page.js'
import { type PasskeyCeremonies, passkeyCeremonies } from '../passkey/passkey-ceremonies.js'
import { type BlockedUsers, browserSessions, type ManagedSessions } from './browser-session.js'
import type { BrowserSession } from './entrance.js'
import { identitiesOf } from './identities.js'
import { loginAttempts } from './login-attempt.js'
import { enter, type LoginContext, reportFailure } from './login-context.js'
import { checkLoginMethods, type LoginMethod, type LoginProvider } from './login-method.js'
import { pageForm } from './page-form.js'
import { entranceBy, whileUnique } from './passkey-sign-in.js'
import { begin, entranceOf, finish } from './provider-sign-in.js'
import { type AnySignIn, optionsIn, type SignInOptions, signInQuery } from './sign-in-url.js'

/** Signing in, for the other pages of an auth server. */
export interface Login {
  readonly sessions: ManagedSessions
  readonly users: Users
  /** Absent where users have no passkeys. */
  readonly passkeys?: PasskeyCeremonies | undefined
  readonly providers: readonly LoginProvider[]
  /** The ids of all login methods. */
  readonly methods: ReadonlySet<string>
  /** Shows the ways to sign in, or goes straight to the only one; the browser comes back to `returnTo`. */
  signIn(message: ReceivedMessage, options: SignInOptions): Promise<Response>
  /** Sends a user who is signed in to a provider, to add their account there. */
  link(message: ReceivedMessage, o: { readonly provider: LoginProvider; readonly returnTo: string }): Promise<Response>
  /** The routes under `/login` and `/logout`. */
  readonly routes: ReadonlyArray<readonly [string, Route]>
}

/**
 * Makes the sign-in of an auth server.
 * @throws TypeError when the ways to sign in are none, badly named, or demo users outside development
 */
export function createLogin(o: {
  readonly issuer: string
  readonly looks: Looks
  readonly methods: readonly LoginMethod[]
  readonly store: Store<LoginTables>
  readonly now: () => number
  readonly development: boolean
  readonly report: Reporter<LoginEvent>
  readonly blocked: BlockedUsers
  /** What a sign-in that leads back to this path is for. Default: unknown. */
  readonly causeOf?: (returnTo: string) => Promise<SignInCause | undefined>
}): Login {
  const { issuer, looks, methods, store, now, development, report, blocked } = o
  checkLoginMethods(methods, { development })
  const cookies = cookiesOf(issuer)
  const providers = methods.filter((method): method is LoginProvider => 'begin' in method)
  const sessions = browserSessions({
    store,
    cookies,
    now,
    blocked,
    isSignedInThere: signedInThere(store, providers),
  })
  const passkeys = methods.find(method => 'checks' in method)
  const context: LoginContext = {
    issuer,
    store,
    looks,
    causeOf: o.causeOf ?? (async () => undefined),
    providers,
    demo: methods.find(method => 'users' in method),
    passkeys: passkeys && passkeyCeremonies({ issuer, method: passkeys, store, now }),
    sessions,
    attempts: loginAttempts(cookies, now),
    now,
    report,
  }
  return {
    sessions,
    users: usersIn(store, now),
    passkeys: context.passkeys,
    providers: context.providers,
    // bound: fixed
    methods: new Set(methods.map(({ id }) => id)),
    link: (message, o) => begin(context, message, { ...o, links: true, switchUser: true }),
    signIn: (message, options) => signIn(context, message, options),
    routes: routesOf(context),
  }
}

function routesOf(context: LoginContext): Array<readonly [string, Route]> {
  const page = (methods: readonly string[], answer: Route['answer'], provider?: string): Route =>
    pageRoute(methods, answer, {
      looks: context.looks,
      onError: (error, message) => reportFailure(context, message, { error, provider }),
    })
  const get = (answer: Route['answer'], provider?: string): Route => page(['GET', 'HEAD'], answer, provider)
  const passkeyRoute = (passkeys: PasskeyCeremonies): readonly [string, Route] => [
    '/login/passkey',
    page(['POST'], message => enterByPasskey(context, message, passkeys), 'passkey'),
  ]
  return [
    ['/login', get(message => signIn(context, message, optionsIn(message)))],
    ...(context.demo === undefined
      ? []
      : [['/login/demo', page(['POST'], message => chooseDemoUser(context, message), 'demo')] as const]),
    ...(context.passkeys === undefined ? [] : [passkeyRoute(context.passkeys)]),
    ...context.providers.flatMap(provider => [
      [
        `/login/start/${provider.id}`,
        get(message => begin(context, message, { provider, ...optionsIn(message) }), provider.id),
      ] as const,
      [`/login/callback/${provider.id}`, get(message => finish(context, message, provider), provider.id)] as const,
    ]),
    [
      '/logout',
      page(['GET', 'HEAD', 'POST'], message =>
        message.method === 'POST' ? signOut(context, message) : confirmSignOut(context, message),
      ),
    ],
  ]
}

async function signIn(context: LoginContext, message: ReceivedMessage, options: AnySignIn): Promise<Response> {
  if (!isReturnPath(options.returnTo)) throw new TypeError('returnTo must be a path of this server')
  const { demo, providers, passkeys } = context
  const [only, ...others] = providers
  const isOnly = demo === undefined && passkeys === undefined && only !== undefined && others.length === 0
  // Switching users begins with a form, whose page's form-action would block a redirect to the provider.
  if (isOnly && options.switchUser === undefined) return begin(context, message, { provider: only, ...options })
  const { session, cookies } = await context.sessions.begin(message)
  const look = context.looks.of(message)
  const view = {
    host: authorityOf(context.issuer),
    csrf: session.csrf,
    cause: await context.causeOf(options.returnTo),
    returnTo: options.returnTo,
    here: `/login?${signInQuery(options)}`,
    providers: providers.map(({ id, name }) => ({ name, href: `/login/start/${id}?${signInQuery(options)}` })),
    demoUsers: (demo?.users ?? []).map(({ subject, claims }) => ({ subject, ...claims })),
    passkey: passkeys && { options: await passkeys.signInOptions(session), isOpen: passkeys.accounts === 'open' },
  }
  // The redirects after a sign-in may lead to an agent, and form-action applies to redirects, too.
  const script = passkeys && 'passkey'
  return pageResponse(signInPage(view, look), { look, cookies, leadsTo: 'anywhere', script })
}

async function chooseDemoUser(context: LoginContext, message: ReceivedMessage): Promise<Response> {
  const session = await context.sessions.current(message)
  const form = pageForm(message, { session, issuer: context.issuer })
  const returnTo = form.get('return_to') ?? ''
  const account = context.demo?.users.find(({ subject }) => subject === form.get('subject'))
  if (session === undefined || account === undefined || !isReturnPath(returnTo)) {
    throw formRefusal()
  }
  // Without a password, choosing is all the proof there is.
  const back = { account: { ...account, verifiedAt: context.now() }, provider: { id: 'demo', name: 'Demo' } }
  const entrance = entranceOf({ ...back, attempt: { returnTo, reauthenticate: true } })
  return enter(context, message, { session, returnTo, entrance })
}

/** Signs in the owner of a passkey. */
async function enterByPasskey(
  context: LoginContext,
  message: ReceivedMessage,
  passkeys: PasskeyCeremonies,
): Promise<Response> {
  const session = await context.sessions.current(message)
  const form = pageForm(message, { session, issuer: context.issuer })
  const returnTo = form.get('return_to') ?? ''
  if (session === undefined || !isReturnPath(returnTo)) throw formRefusal()
  const assertion = await passkeys.assertion(form.get('credential'), session)
  return whileUnique({ message, assertion }, context, () =>
    enter(context, message, { session, returnTo, entrance: entranceBy(assertion) }),
  )
}

async function confirmSignOut(context: LoginContext, message: ReceivedMessage): Promise<Response> {
  const { session, cookies } = await context.sessions.begin(message)
  const { csrf, user } = session
  const look = context.looks.of(message)
  const page = user === undefined ? signedOutPage(look) : signOutPage({ csrf, user }, look)
  return pageResponse(page, { look, cookies })
}

/** Signs out; with `return_to`, to let another user go on there. */
async function signOut(context: LoginContext, message: ReceivedMessage): Promise<Response> {
  const session = await context.sessions.current(message)
  const form = pageForm(message, { session, issuer: context.issuer })
  const returnTo = form.get('return_to')
  if (returnTo !== undefined && !isReturnPath(returnTo)) {
    throw refusal('form_incomplete')
  }
  const { cookies } = await signOutHereAndThere(context, message, session)
  if (returnTo === undefined) {
    // The next user of this browser must not get the requests that it has claimed.
    const look = context.looks.of(message)
    return pageResponse(signedOutPage(look), { look, cookies: [...cookies, ...context.sessions.forget()] })
  }
  return seeOther(`/login?${signInQuery({ returnTo, switchUser: true })}`, cookies)
}

/** Ends the session here, and with it the one at a provider on the same origin. */
async function signOutHereAndThere(
  { sessions, providers, report }: LoginContext,
  message: ReceivedMessage,
  session: BrowserSession | undefined,
): Promise<{ readonly cookies: readonly string[] }> {
  const user = session?.user
  const { cookies } = await sessions.signOut(message, async tx => {
    if (user !== undefined) await report.within(tx, { type: 'signed_out', sub: user.sub, ...toldOf(message) })
  })
  const provider = providers.find(({ id }) => id === user?.provider)
  return { cookies: [...cookies, ...((await provider?.signOut?.(message)) ?? [])] }
}

/** Asks the provider where a session began whether the browser is still signed in there, by the account that is its user's. */
function signedInThere(store: Store<LoginTables>, providers: readonly LoginProvider[]) {
  return async (
    { sub, provider }: { readonly sub: string; readonly provider: string },
    message: ReceivedMessage,
  ): Promise<boolean> => {
    const there = providers.find(({ id }) => id === provider)
    if (there?.isSignedIn === undefined) return true
    for (const identity of await identitiesOf(store.db, sub))
      if (identity.provider === provider && (await there.isSignedIn(identity, message))) return true
    return false
  }
}

function formRefusal(): AAuthError {
  return refusal('form_incomplete')
}
