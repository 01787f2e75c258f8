import type { ReceivedMessage } from '@countersign/httpsig'
import { queryOf } from '@countersign/httpsig/internal'
import { isSafeId, refusal } from '@countersign/protocol/internal'
import { isReturnPath } from '../pages/return-path.js'

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

/** What the URL of a sign-in may hold. */
export interface AnySignIn extends SignInOptions {
  /** The user wants another account than the one that is signed in at the provider. */
  readonly switchUser?: true | undefined
  /** The user is to be verified anew. */
  readonly reauthenticate?: true | undefined
}

/** What the URL of a request for a sign-in says. */
export function optionsIn(message: ReceivedMessage): AnySignIn {
  const query = new URLSearchParams(queryOf(message.target))
  const returnTo = query.get('return_to') ?? '/logout'
  // Open redirect: only paths of this server are followed.
  if (!isReturnPath(returnTo))
    throw refusal('parameter_malformed', { about: 'return_to must be a path of this server' })
  const loginHint = query.get('login_hint')
  return {
    returnTo,
    // It goes into a cookie, as returnTo does.
    loginHint: loginHint !== null && isSafeId(loginHint) ? loginHint : undefined,
    switchUser: query.get('switch') === '1' ? true : undefined,
    reauthenticate: query.get('again') === '1' ? true : undefined,
  }
}

/** The query with which a sign-in begins. */
export function signInQuery({ returnTo, loginHint, switchUser, reauthenticate }: AnySignIn): string {
  return new URLSearchParams({
    return_to: returnTo,
    ...(loginHint === undefined ? {} : { login_hint: loginHint }),
    ...(switchUser === undefined ? {} : { switch: '1' }),
    ...(reauthenticate === undefined ? {} : { again: '1' }),
  }).toString()
}
