import { randomBytes } from 'node:crypto'
import { queryOf, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, asAAuthError, authorityOf, cookiesOf, isSafeId, type Route, seeOther } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { peerOf, requestIdOf } from '@countersign/verify'
import { errorPageResponse, pageResponse, pageRoute } from '../pages/page-response.js'
import type { SignInCause } from '../pages/sign-in-cause.js'
import { signInPage } from '../pages/sign-in-page.js'
import { signedOutPage, signOutPage } from '../pages/sign-out-page.js'
import { type BrowserSession, type BrowserSessions, browserSessions, type ManagedSessions } from './browser-session.js'
import { type LoginAttempts, loginAttempts } from './login-attempt.js'
import {
  checkLoginMethods,
  type DemoLogin,
  type LoginMethod,
  type LoginProvider,
  type UpstreamAccount,
} from './login-method.js'
import type { LoginTables } from './login-tables.js'
import { pageForm } from './page-form.js'
import { isReturnPath } from './return-path.js'
import { type Users, usersIn } from './users.js'

/** How a sign-in begins. */
export interface SignInOptions {
  /**
   * A path and query of this server, at most 1024 characters of printable ASCII, without a fragment. It is kept in a cookie:
   * name a request by its `request_token`, and keep long values such as `state` with the request.
   */
  readonly returnTo: string
  /** The user whom the agent expects; passed on to the provider. */
  readonly loginHint?: string | undefined
}

/** A sign-in, a sign-out, or a failed sign-in; never a secret. */
export type LoginEvent = {
  /** The name of the request in the server's log, where the server named it. */
  readonly request_id?: string
} & (
  | { readonly type: 'signed_in'; readonly sub: string; readonly provider: string; readonly peer?: string }
  | { readonly type: 'signed_out'; readonly sub: string; readonly peer?: string }
  | {
      readonly type: 'sign_in_failed'
      /** Absent where none was chosen yet. */
      readonly provider?: string
      readonly code: string
      readonly description: string
      /** Holds input of the provider or a stranger: encode it before showing it. */
      readonly cause?: unknown
      readonly peer?: string
    }
)

/** Signing in, for the other pages of an auth server. */
export interface Login {
  readonly sessions: BrowserSessions
  readonly users: Users
  /** Shows the ways to sign in, or goes straight to the only one; the browser comes back to `returnTo`. */
  signIn(message: ReceivedMessage, options: SignInOptions): Promise<Response>
  /** The routes under `/login` and `/logout`. */
  readonly routes: ReadonlyArray<readonly [string, Route]>
}

interface Context {
  readonly issuer: string
  /** What a sign-in that leads back to this path is for. */
  readonly causeOf: (returnTo: string) => Promise<SignInCause | undefined>
  readonly providers: readonly LoginProvider[]
  readonly demo: DemoLogin | undefined
  readonly sessions: ManagedSessions
  readonly attempts: LoginAttempts
  readonly now: () => number
  readonly onEvent: (event: LoginEvent) => void
}

/**
 * Makes the sign-in of an auth server.
 * @throws TypeError when the ways to sign in are none, badly named, or demo users outside development
 */
export function createLogin(o: {
  readonly issuer: string
  readonly methods: readonly LoginMethod[]
  readonly store: Store<LoginTables>
  readonly now: () => number
  readonly development: boolean
  readonly onEvent: (event: LoginEvent) => void
  /** What a sign-in that leads back to this path is for. Default: unknown. */
  readonly causeOf?: (returnTo: string) => Promise<SignInCause | undefined>
}): Login {
  const { issuer, methods, store, now, development, onEvent } = o
  checkLoginMethods(methods, { development })
  const cookies = cookiesOf(issuer)
  const sessions = browserSessions({ store, cookies, now })
  const context: Context = {
    issuer,
    causeOf: o.causeOf ?? (async () => undefined),
    providers: methods.filter((method): method is LoginProvider => !('users' in method)),
    demo: methods.find(method => 'users' in method),
    sessions,
    attempts: loginAttempts(cookies, now),
    now,
    onEvent,
  }
  return {
    sessions,
    users: usersIn(store, now),
    signIn: (message, options) => signIn(context, message, options),
    routes: routesOf(context),
  }
}

function routesOf(context: Context): Array<readonly [string, Route]> {
  const page = (methods: readonly string[], answer: Route['answer'], provider?: string): Route =>
    pageRoute(methods, answer, (error, message) => reportFailure(context, message, { error, provider }))
  const get = (answer: Route['answer'], provider?: string): Route => page(['GET', 'HEAD'], answer, provider)
  return [
    ['/login', get(message => signIn(context, message, optionsIn(message)))],
    ...(context.demo === undefined
      ? []
      : [['/login/demo', page(['POST'], message => chooseDemoUser(context, message), 'demo')] as const]),
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

function reportFailure(
  { onEvent }: Context,
  message: ReceivedMessage,
  { error, provider }: { readonly error: AAuthError; readonly provider: string | undefined },
): void {
  const { code, description, cause } = error
  onEvent({
    type: 'sign_in_failed',
    ...(provider === undefined ? {} : { provider }),
    code,
    description,
    ...(cause === undefined ? {} : { cause }),
    ...toldOf(message),
  })
}

function toldOf(message: ReceivedMessage): { readonly peer?: string; readonly request_id?: string } {
  return { ...peerOf(message), ...requestIdOf(message) }
}

/** What the URL of a sign-in may hold. */
interface AnySignIn extends SignInOptions {
  /** The user wants another account than the one that is signed in at the provider. */
  readonly switchUser?: true | undefined
}

async function signIn(context: Context, message: ReceivedMessage, options: AnySignIn): Promise<Response> {
  if (!isReturnPath(options.returnTo)) throw new TypeError('returnTo must be a path of this server')
  const { demo, providers } = context
  const [only, ...others] = providers
  const isOnly = demo === undefined && only !== undefined && others.length === 0
  // Switching users begins with a form, whose page's form-action would block a redirect to the provider.
  if (isOnly && options.switchUser === undefined) return begin(context, message, { provider: only, ...options })
  const { session, cookies } = await context.sessions.begin(message)
  const page = signInPage({
    host: authorityOf(context.issuer),
    csrf: session.csrf,
    cause: await context.causeOf(options.returnTo),
    returnTo: options.returnTo,
    providers: providers.map(({ id, name }) => ({ name, href: `/login/start/${id}?${signInQuery(options)}` })),
    demoUsers: (demo?.users ?? []).map(({ subject, claims }) => ({ subject, ...claims })),
  })
  // The redirects after a sign-in may lead to an agent, and form-action applies to redirects, too.
  return pageResponse(page, { cookies, leadsTo: 'anywhere' })
}

async function begin(
  context: Context,
  message: ReceivedMessage,
  { provider, returnTo, loginHint, switchUser }: AnySignIn & { readonly provider: LoginProvider },
): Promise<Response> {
  const state = randomBytes(16).toString('base64url')
  const { cookies } = await context.sessions.begin(message)
  const asked = {
    ...(loginHint === undefined ? {} : { loginHint }),
    ...(switchUser === undefined ? {} : { switchUser }),
  }
  const { url, saved } = await provider.begin({ callback: callbackOf(context, provider), state, ...asked })
  const attempt = { provider: provider.id, state, returnTo, ...asked, began: context.now(), saved }
  return seeOther(url, [...cookies, ...context.attempts.add(message, attempt)])
}

async function finish(context: Context, message: ReceivedMessage, provider: LoginProvider): Promise<Response> {
  const query = new URLSearchParams(queryOf(message.target))
  const [state = '', second] = query.getAll('state')
  const session = await context.sessions.current(message)
  const attempt = second === undefined ? context.attempts.find(message, { provider: provider.id, state }) : undefined
  // Login CSRF: a callback that this browser did not begin would sign the user in to an attacker's account.
  if (session === undefined || attempt === undefined) {
    throw new AAuthError('access_denied', 'This sign-in was not begun in this browser, or too long ago. Begin again.')
  }
  const url = `${callbackOf(context, provider)}${queryOf(message.target) ?? '?'}`
  const forget = context.attempts.remove(message, state)
  try {
    const account = await provider.finish({ url, state, saved: attempt.saved })
    return await enter(context, message, {
      session,
      account,
      provider: provider.id,
      returnTo: attempt.returnTo,
      forget,
    })
  } catch (thrown) {
    const error = asAAuthError(thrown)
    reportFailure(context, message, { error, provider: provider.id })
    return errorPageResponse(error, { cookies: [forget], retry: `/login?${signInQuery(attempt)}` })
  }
}

async function chooseDemoUser(context: Context, message: ReceivedMessage): Promise<Response> {
  const session = await context.sessions.current(message)
  const form = pageForm(message, { session, issuer: context.issuer })
  const returnTo = form.get('return_to') ?? ''
  const account = context.demo?.users.find(({ subject }) => subject === form.get('subject'))
  if (session === undefined || account === undefined || !isReturnPath(returnTo)) {
    throw new AAuthError('invalid_request', 'There is no such demo user.')
  }
  return enter(context, message, { session, account, provider: 'demo', returnTo })
}

async function enter(
  context: Context,
  message: ReceivedMessage,
  o: {
    readonly session: BrowserSession
    readonly account: UpstreamAccount
    readonly provider: string
    readonly returnTo: string
    readonly forget?: string
  },
): Promise<Response> {
  const { session, cookies } = await context.sessions.signIn(o.session, o.account, o.provider)
  if (session.user !== undefined) {
    context.onEvent({ type: 'signed_in', sub: session.user.sub, provider: o.provider, ...toldOf(message) })
  }
  return seeOther(o.returnTo, o.forget === undefined ? cookies : [...cookies, o.forget])
}

async function confirmSignOut(context: Context, message: ReceivedMessage): Promise<Response> {
  const { session, cookies } = await context.sessions.begin(message)
  const { csrf, user } = session
  return pageResponse(user === undefined ? signedOutPage() : signOutPage({ csrf, user }), { cookies })
}

/** Signs out; with `return_to`, to let another user go on there. */
async function signOut(context: Context, message: ReceivedMessage): Promise<Response> {
  const session = await context.sessions.current(message)
  const form = pageForm(message, { session, issuer: context.issuer })
  const returnTo = form.get('return_to')
  if (returnTo !== undefined && !isReturnPath(returnTo)) {
    throw new AAuthError('invalid_request', 'The form names no page of this server.')
  }
  const { cookies } = await context.sessions.signOut(message)
  if (session?.user !== undefined) context.onEvent({ type: 'signed_out', sub: session.user.sub, ...toldOf(message) })
  if (returnTo === undefined) {
    // The next user of this browser must not get the requests that it has claimed.
    return pageResponse(signedOutPage(), { cookies: [...cookies, ...context.sessions.forget(message)] })
  }
  return seeOther(`/login?${signInQuery({ returnTo, switchUser: true })}`, cookies)
}

function optionsIn(message: ReceivedMessage): AnySignIn {
  const query = new URLSearchParams(queryOf(message.target))
  const returnTo = query.get('return_to') ?? '/logout'
  // Open redirect: only paths of this server are followed.
  if (!isReturnPath(returnTo)) throw new AAuthError('invalid_request', 'The link names no page of this server.')
  const loginHint = query.get('login_hint')
  return {
    returnTo,
    // It goes into a cookie, as returnTo does.
    loginHint: loginHint !== null && isSafeId(loginHint) ? loginHint : undefined,
    switchUser: query.get('switch') === '1' ? true : undefined,
  }
}

function signInQuery({ returnTo, loginHint, switchUser }: AnySignIn): string {
  return new URLSearchParams({
    return_to: returnTo,
    ...(loginHint === undefined ? {} : { login_hint: loginHint }),
    ...(switchUser === undefined ? {} : { switch: '1' }),
  }).toString()
}

function callbackOf({ issuer }: Context, { id }: LoginProvider): string {
  return `${issuer}/login/callback/${id}`
}
