import type { ReceivedMessage } from '@countersign/httpsig'
import { refusal } from '@countersign/protocol/internal'
import type { BrowserSession, SessionUser } from '../login/entrance.js'
import { pageForm } from '../login/page-form.js'
import type { AccountContext } from './account-context.js'

/** A form that a user who is signed in has sent. */
export interface UserForm {
  readonly form: ReadonlyMap<string, string>
  readonly session: BrowserSession
  readonly user: SessionUser
}

/**
 * Reads the form of an account page.
 * @throws AAuthError `access_denied` for a form of another page, or where nobody is signed in
 */
export async function userForm(message: ReceivedMessage, context: AccountContext): Promise<UserForm> {
  const session = await context.login.sessions.current(message)
  const form = pageForm(message, { session, issuer: context.issuer.issuer })
  if (session?.user === undefined) throw refusal('signed_out')
  return { form, session, user: session.user }
}
