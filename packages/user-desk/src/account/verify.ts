import type { ReceivedMessage } from '@countersign/httpsig'
import { queryOf } from '@countersign/httpsig/internal'
import type { AAuthError } from '@countersign/protocol'
import { refusal, seeOther } from '@countersign/protocol/internal'
import type { BrowserSession, SessionUser } from '../login/entrance.js'
import { identitiesOf } from '../login/identities.js'
import { noteAssertion, whileUnique } from '../login/passkey-sign-in.js'
import { signInQuery } from '../login/sign-in-url.js'
import { pageResponse } from '../pages/page-response.js'
import { isReturnPath } from '../pages/return-path.js'
import { type VerifyWays, verifyPage } from '../pages/verify-page.js'
import { passkeysOf } from '../passkey/passkey-store.js'
import type { AccountContext } from './account-context.js'
import { verifyPath } from './paths.js'
import { userForm } from './signed-in.js'

/** What a verification needs. */
export type VerifyContext = Pick<AccountContext, 'login' | 'store' | 'now' | 'report'>

/** Asks a user to prove that it is them, before something that needs it. */
export async function showVerify(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const returnTo = new URLSearchParams(queryOf(message.target)).get('return_to') ?? '/account'
  if (!isReturnPath(returnTo)) throw notAPage()
  const { session, cookies } = await context.login.sessions.begin(message)
  const { user } = session
  if (user === undefined) return context.login.signIn(message, { returnTo })
  const ways = await verifyWays(session, { user, returnTo }, context)
  const look = context.looks.of(message)
  const form = { action: verifyPath, fields: { return_to: returnTo }, returnTo, here: message.target }
  const html = verifyPage({ csrf: session.csrf, user, ...form, ways }, look)
  return pageResponse(html, { look, cookies, leadsTo: 'anywhere', script: 'passkey' })
}

/** How a user can be verified: by a passkey or by a provider that signs them in, which also helps those who have lost theirs. */
export async function verifyWays(
  session: BrowserSession,
  { user, returnTo }: { readonly user: SessionUser; readonly returnTo: string },
  { login, store }: VerifyContext,
): Promise<VerifyWays> {
  const { passkeys, providers } = login
  const hasPasskey = passkeys !== undefined && (await passkeysOf(store.db, user.sub)).length > 0
  // A session of an earlier version knows its provider, and no identity.
  const identities = await identitiesOf(store.db, user.sub)
  const linked = new Set([user.provider, ...identities.map(({ provider }) => provider)])
  const query = signInQuery({ returnTo, reauthenticate: true })
  const mine = providers.filter(({ id }) => linked.has(id))
  const demo = linked.has('demo') ? [{ name: 'demo users', href: `/login?${query}` }] : []
  const links = mine.map(({ id, name }) => ({ name, href: `/login/start/${id}?${query}` }))
  return {
    ...(hasPasskey ? { passkey: await passkeys.verifyOptions(session, user.sub) } : {}),
    providers: [...links, ...demo],
  }
}

/** Takes the passkey of {@link showVerify}. */
export async function verify(message: ReceivedMessage, context: AccountContext): Promise<Response> {
  const { form, session, user } = await userForm(message, context)
  const returnTo = form.get('return_to') ?? ''
  if (!isReturnPath(returnTo)) throw notAPage()
  await verifyUser(message, { credential: form.get('credential'), session, user }, context)
  return seeOther(returnTo, [])
}

/**
 * Notes that the user of a session was verified by a passkey of theirs.
 * @throws AAuthError `invalid_request` (`passkey_invalid`, `passkey_copied`)
 */
export async function verifyUser(
  message: ReceivedMessage,
  o: { readonly credential: string | undefined; readonly session: BrowserSession; readonly user: SessionUser },
  { login, store, now, report }: VerifyContext,
): Promise<void> {
  if (login.passkeys === undefined) throw notAPage()
  const assertion = await login.passkeys.assertion(o.credential, o.session, o.user.sub)
  await whileUnique({ message, assertion }, { store, now, report }, () =>
    login.sessions.verify(message, (tx, at) => noteAssertion(tx, assertion, at)),
  )
}

function notAPage(): AAuthError {
  return refusal('form_incomplete')
}
