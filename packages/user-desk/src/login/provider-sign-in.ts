import { randomBytes } from 'node:crypto'
import type { UpstreamAccount } from '@countersign/auth-server'
import type { HistoryEntry } from '@countersign/auth-server/internal'
import { newSub, noteLogin, toldOf } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { queryOf } from '@countersign/httpsig/internal'
import { asAAuthError, refusal, seeOther } from '@countersign/protocol/internal'
import { errorPageResponse } from '../pages/page-response.js'
import { browserNameOf } from './browser-name.js'
import type { BrowserSession, Entrance } from './entrance.js'
import { noteHistory } from './history.js'
import { linkIdentity } from './identities.js'
import type { LoginAttempt } from './login-attempt.js'
import { enter, type LoginContext, reportFailure } from './login-context.js'
import type { LoginProvider } from './login-method.js'
import { type AnySignIn, signInQuery } from './sign-in-url.js'

/** How a sign-in at a provider begins. */
export interface ProviderSignIn extends AnySignIn {
  readonly provider: LoginProvider
  /** The user who is signed in adds the account at the provider to their own. Default: who signs in there is signed in here. */
  readonly links?: true
}

/** Sends the browser to a provider. */
export async function begin(context: LoginContext, message: ReceivedMessage, o: ProviderSignIn): Promise<Response> {
  const { provider, returnTo, loginHint, switchUser, reauthenticate, links } = o
  const state = randomBytes(16).toString('base64url')
  const { cookies } = await context.sessions.begin(message)
  const asked = {
    ...(loginHint === undefined ? {} : { loginHint }),
    ...(switchUser === undefined ? {} : { switchUser }),
    ...(reauthenticate === undefined ? {} : { reauthenticate }),
  }
  const { url, saved } = await provider.begin({ callback: callbackOf(context, provider), state, message, ...asked })
  const attempt = {
    provider: provider.id,
    state,
    returnTo,
    ...asked,
    began: context.now(),
    saved,
    ...(links === undefined ? {} : { links }),
  }
  if (links === true) await context.sessions.expectLink(message, state)
  return seeOther(url, [...cookies, ...context.attempts.add(message, attempt)])
}

/** Signs in the user whom a provider sends back, or adds the account there to the user who is signed in here. */
export async function finish(
  context: LoginContext,
  message: ReceivedMessage,
  provider: LoginProvider,
): Promise<Response> {
  const query = new URLSearchParams(queryOf(message.target))
  const [state = '', second] = query.getAll('state')
  const session = await context.sessions.current(message)
  const attempt = second === undefined ? context.attempts.find(message, { provider: provider.id, state }) : undefined
  // Login CSRF: a callback that this browser did not begin would sign the user in to an attacker's account.
  if (session === undefined || attempt === undefined) {
    throw refusal('sign_in_invalid')
  }
  const url = `${callbackOf(context, provider)}${queryOf(message.target) ?? '?'}`
  const forget = context.attempts.remove(message, state)
  try {
    // The browser may have changed the cookie: only the session says what its user began, after a verification.
    const isLink = await context.sessions.takeLink(message, state)
    if (isLink !== (attempt.links === true)) throw refusal('account_not_linked', { about: 'begun in another session' })
    const account = await provider.finish({ url, state, saved: attempt.saved, message })
    const back = { session, account, provider, attempt }
    if (isLink) return await link(context, message, { ...back, forget })
    return await enter(context, message, {
      session,
      returnTo: attempt.returnTo,
      forget,
      entrance: entranceOf(back),
    })
  } catch (thrown) {
    const error = asAAuthError(thrown)
    reportFailure(context, message, { error, provider: provider.id })
    const retry = attempt.links === undefined ? `/login?${signInQuery(attempt)}` : attempt.returnTo
    return errorPageResponse(error, { look: context.looks.of(message), cookies: [forget], retry })
  }
}

interface CameBack {
  readonly session: BrowserSession
  readonly account: UpstreamAccount
  readonly provider: Pick<LoginProvider, 'id' | 'name'>
  readonly attempt: Pick<LoginAttempt, 'returnTo' | 'reauthenticate'>
}

/** Signs in the user of an account at a provider. */
export function entranceOf({
  account,
  provider,
  attempt,
}: Pick<CameBack, 'account' | 'provider' | 'attempt'>): Entrance {
  const sub = newSub()
  return async (tx, at) => {
    const { isNew, ...user } = await noteLogin(tx, account, { sub, now: at, provider: provider.id })
    const { verifiedAt = 0 } = account
    const verified = attempt.reauthenticate === true ? Math.min(verifiedAt, at) : 0
    const history: Array<readonly [HistoryEntry, string]> = [['signed_in', provider.name]]
    if (isNew) history.unshift(['account_created', provider.name])
    return { user, provider: provider.id, verified, history }
  }
}

/** Adds an account at a provider to the user who began it, in the browser in which they began it (ACC-07). */
async function link(
  context: LoginContext,
  message: ReceivedMessage,
  o: CameBack & { readonly forget: string },
): Promise<Response> {
  const { session, account, provider, attempt, forget } = o
  if (session.user === undefined) throw refusal('account_not_linked', { about: 'signed out' })
  const { sub } = session.user
  const at = context.now()
  const linked = await context.store.write(async tx => {
    const outcome = await linkIdentity(tx, account, { sub, now: at, provider: provider.id })
    const line = { sub, at, what: 'provider_linked', about: provider.name, browser: browserNameOf(message) } as const
    if (outcome !== 'linked') return outcome
    await noteHistory(tx, line)
    await context.report.within(tx, { type: 'provider_linked', sub, provider: provider.id, ...toldOf(message) })
    return outcome
  })
  if (linked === 'gone') throw refusal('account_not_linked', { about: 'a deleted account' })
  // Never joined by e-mail address: an account at a provider belongs to the user who signed in with it first.
  if (linked === 'taken') throw refusal('account_not_linked')
  return seeOther(attempt.returnTo, [forget])
}

function callbackOf({ issuer }: LoginContext, { id }: LoginProvider): string {
  return `${issuer}/login/callback/${id}`
}
