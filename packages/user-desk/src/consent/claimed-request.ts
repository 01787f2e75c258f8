import type { RequestBy } from '@countersign/auth-server/internal'
import { callerOf } from '@countersign/auth-server/internal'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { BrowserSession, SessionUser } from '../login/entrance.js'
import type { ConsentContext } from './open-request.js'

/** The path of the consent page of a request. */
export function consentPath(request_token: string): string {
  return `/agent/consent?${new URLSearchParams({ request_token })}`
}

/** The request, if it is open and this browser's: a link that is sent on shows nothing to another browser. */
export async function browsersRequest(
  request_token: string,
  session: BrowserSession | undefined,
  { requests, blocks, now, note }: Pick<ConsentContext, 'requests' | 'blocks' | 'now' | 'note'>,
): Promise<{ readonly row: RequestBy<'browser'>; readonly session: BrowserSession }> {
  const row = await openRow(request_token, { requests, blocks, now, note }, session?.user)
  if (session === undefined || row.browser !== session.id) throw otherBrowserRefusal()
  return { row, session }
}

/** The request that a link or a form names, if it is open. */
export async function openRow(
  request_token: string,
  { requests, blocks, now, note }: Pick<ConsentContext, 'requests' | 'blocks' | 'now' | 'note'>,
  user?: SessionUser,
): Promise<RequestBy<'browser'>> {
  const row = await requests.find(request_token)
  if (row !== undefined) note?.({ row, user })
  // Nothing that the user does prolongs a request.
  if (row === undefined || row.way !== 'browser' || row.expires <= now()) {
    throw refusal('request_ended')
  }
  // No browser is sent to an agent that the operator has blocked: it hears so from the token endpoint.
  await blocks.check({ agents: [callerOf(row)] })
  return row
}

/** The error for a browser that has not claimed the request. */
export function otherBrowserRefusal(): AAuthError {
  return refusal('link_of_another_browser')
}
