import type { ReceivedMessage } from '@countersign/httpsig'
import { parseQuery, refusal } from '@countersign/protocol/internal'
import type { Blocks } from '../block/blocks.js'
import { callerOf } from '../block/parties.js'
import type { RequestBy, StoredRequest } from './read-request.js'
import type { Requests } from './requests.js'

/** A request, and the token that names it in the paths of pages. */
export interface OpenedLink {
  readonly row: RequestBy<'browser'>
  readonly request_token: string
}

/**
 * Finds the request of a link to `agent_auth_endpoint`, as an agent hands it to a browser.
 * @throws AAuthError `invalid_request`, for a page and never for a redirect
 * @see protocol §6.3
 */
export async function openedLink(
  message: ReceivedMessage,
  o: {
    readonly requests: Pick<Requests, 'find'>
    readonly blocks: Pick<Blocks, 'check'>
    readonly now: () => number
    readonly note: (row: StoredRequest) => void
  },
): Promise<OpenedLink> {
  const query = parseQuery(message.target)
  const request_token = query.get('request_token')
  const row = request_token === undefined ? undefined : await o.requests.find(request_token)
  if (row !== undefined) o.note(row)
  if (request_token === undefined || row === undefined || row.way !== 'browser' || row.expires <= o.now()) {
    throw refusal('link_invalid')
  }
  // Open redirect, and answers at a wrong callback: `redirect_uri` and `state` must be exactly those of the request.
  if (query.get('redirect_uri') !== row.redirect_uri || (query.get('state') ?? null) !== row.state) {
    throw refusal('link_changed')
  }
  await o.blocks.check({ agents: [callerOf(row)] })
  return { row, request_token }
}
