import type { HowClaimed, OpenedLink, RequestBy } from '@countersign/auth-server/internal'
import { sha256 } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { parseQuery, seeOther } from '@countersign/protocol/internal'
import type { BrowserSession, SessionUser } from '../login/entrance.js'
import { consentPath, openRow, otherBrowserRefusal } from './claimed-request.js'
import type { ConsentContext } from './open-request.js'

/**
 * Sends a browser that has opened a link on to the page of its request, which it claims once its user has signed in. From there on the URL
 * holds neither `state` nor `redirect_uri`.
 */
export async function beginRequest(
  message: ReceivedMessage,
  { row, request_token }: OpenedLink,
  { login, requests }: Pick<ConsentContext, 'login' | 'requests'>,
): Promise<Response> {
  const { session, cookies } = await login.sessions.begin(message)
  // Provisional until its user has seen the page. The release before may serve that page, and knows the browser by this claim only.
  await requests.claim(row, session.id)
  const isOwn = row.browser === session.id && session.user !== undefined
  return seeOther(isOwn ? consentPath(request_token) : markedPath(row, request_token), cookies)
}

function markedPath(row: RequestBy<'browser'>, request_token: string): string {
  return `${consentPath(request_token)}&${new URLSearchParams({ link: markOf(row) })}`
}

/**
 * Claims the request for a browser that comes by its link: once a user has signed in who may answer. Who opens it and does not sign in
 * gains nothing, and nor does another user than the one whom it is for.
 * @returns the page for the sign-in; undefined where the browser has claimed the request, or does not come by a link
 * @throws AAuthError, shown as a page: for another user, or where the request is another browser's
 * @see protocol §6.3, clause consent.claimed
 */
export async function claimRequest(message: ReceivedMessage, context: ConsentContext): Promise<Response | undefined> {
  const query = parseQuery(message.target)
  if (!query.has('link')) return undefined
  const request_token = query.get('request_token') ?? ''
  const session = await context.login.sessions.current(message)
  const row = await openRow(request_token, context, session?.user)
  // The page of a request has the mark of its link, or it was not opened by that: the URL of the page alone claims nothing.
  if (session === undefined || query.get('link') !== markOf(row)) throw otherBrowserRefusal()
  const { user } = session
  // Where no user has seen the page, another browser has only opened the link.
  const isElsewhere = row.browser !== null && row.browser !== session.id && row.user_sub !== null
  if (user === undefined) {
    // A link that is sent on shows nothing to another browser, but to whom it is for, who may take it over.
    if (isElsewhere && row.kind === 'access') throw otherBrowserRefusal()
    const options = { returnTo: markedPath(row, request_token), loginHint: row.login_hint ?? undefined }
    return context.login.signIn(message, options)
  }
  const how = row.browser === session.id ? 'signedIn' : await howToClaim(message, { row, session, user }, context)
  if (!(await context.requests.claim(row, session.id, how))) throw otherBrowserRefusal()
  return undefined
}

/**
 * An exchange is for the upstream user, and a call is approved by the user of its grant.
 * @returns how the browser may claim the request; undefined where another user has proven to be the one whom it is for
 * @throws AAuthError where the user may not answer; then the request stays with who may
 */
async function howToClaim(
  message: ReceivedMessage,
  open: { readonly row: RequestBy<'browser'>; readonly session: BrowserSession; readonly user: SessionUser },
  { approvalPages, linking }: Pick<ConsentContext, 'approvalPages' | 'linking'>,
): Promise<HowClaimed | undefined> {
  const { row } = open
  if (row.status !== 'pending') return undefined
  switch (row.kind) {
    case 'access':
      return 'signedIn'
    case 'call':
      await approvalPages.check({ ...open, row })
      return 'takeOver'
    case 'exchange':
      return linking?.mayAnswer(message, { ...open, row })
  }
}

/** What only the link tells, so that its way on needs no `state`: bounded, and worth nothing once the request is claimed. */
function markOf({ id, redirect_uri, state }: Pick<RequestBy<'browser'>, 'id' | 'redirect_uri' | 'state'>): string {
  return sha256(JSON.stringify([id, redirect_uri, state]))
}
