import type { Reporter } from '@countersign/audit/internal'
import type { LoginEvent } from '@countersign/auth-server'
import type { LoginTables } from '@countersign/auth-server/internal'
import { toldOf } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { seeOther } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Looks } from '../pages/look.js'
import type { SignInCause } from '../pages/sign-in-cause.js'
import type { PasskeyCeremonies } from '../passkey/passkey-ceremonies.js'
import type { ManagedSessions } from './browser-session.js'
import type { BrowserSession, Entrance } from './entrance.js'
import type { LoginAttempts } from './login-attempt.js'
import type { DemoLogin, LoginProvider } from './login-method.js'

/** What signing in needs. */
export interface LoginContext {
  readonly issuer: string
  readonly store: Store<LoginTables>
  /** What a sign-in that leads back to this path is for. */
  readonly causeOf: (returnTo: string) => Promise<SignInCause | undefined>
  readonly providers: readonly LoginProvider[]
  readonly demo: DemoLogin | undefined
  readonly passkeys: PasskeyCeremonies | undefined
  readonly looks: Looks
  readonly sessions: ManagedSessions
  readonly attempts: LoginAttempts
  readonly now: () => number
  readonly report: Reporter<LoginEvent>
}

/** Signs a user in, and sends the browser on. */
export async function enter(
  context: LoginContext,
  message: ReceivedMessage,
  o: {
    readonly session: BrowserSession
    readonly entrance: Entrance
    readonly returnTo: string
    /** A cookie to delete. */
    readonly forget?: string
  },
): Promise<Response> {
  const { session, entrance } = o
  const { cookies } = await context.sessions.signIn(message, {
    session,
    entrance,
    also: (tx, { user, provider }) =>
      context.report.within(tx, { type: 'signed_in', sub: user.sub, provider, ...toldOf(message) }),
  })
  return seeOther(o.returnTo, o.forget === undefined ? cookies : [...cookies, o.forget])
}

/** Reports a sign-in that failed. */
export function reportFailure(
  { report }: LoginContext,
  message: ReceivedMessage,
  { error, provider }: { readonly error: AAuthError; readonly provider: string | undefined },
): void {
  const { code, reason, description, cause } = error
  report.tell({
    type: 'sign_in_failed',
    ...(provider === undefined ? {} : { provider }),
    code,
    reason,
    description,
    ...(cause === undefined ? {} : { cause }),
    ...toldOf(message),
  })
}
