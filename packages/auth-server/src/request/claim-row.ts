import type { Transaction } from '@countersign/store/internal'
import type { Tables } from '../tables/tables.js'
import { readAgain, type StoredRequest } from './read-request.js'

/** Why nobody is asked, and the browser that was to be. */
export interface RefusedHere {
  readonly browser: string
  /** `sub` of the user who is signed in there. */
  readonly user: string
  /** `stopped`: they do not want to be asked by this agent. */
  readonly status: 'denied' | 'stopped'
}

/**
 * `signedIn`: also where another browser has only opened the link, and no user has seen the page there. `takeOver`: from any browser, for
 * the user whom the request is for.
 */
export type HowClaimed = 'signedIn' | 'takeOver'

/** @see Requests.claim */
export async function claimIn(
  tx: Transaction<Tables>,
  { request_hash }: StoredRequest,
  o: { readonly browser: string; readonly how: HowClaimed | undefined; readonly now: number },
): Promise<boolean> {
  const { browser, how, now } = o
  const { numUpdatedRows } = await tx
    .updateTable('auth_server_requests')
    .set({ browser })
    .where('request_hash', '=', request_hash)
    .where('expires', '>', now)
    .where(({ or, and, eb }) => {
      const own = [eb('browser', 'is', null), eb('browser', '=', browser)]
      if (how === undefined) return or(own)
      const pending = eb('status', '=', 'pending')
      return or([...own, how === 'takeOver' ? pending : and([pending, eb('user_sub', 'is', null)])])
    })
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** @see Requests.refuse */
export async function refuseIn<R extends StoredRequest>(
  tx: Transaction<Tables>,
  request: R,
  { browser, user, status, now }: RefusedHere & { readonly now: number },
): Promise<R | undefined> {
  const refused = await tx
    .updateTable('auth_server_requests')
    .set({ status, user_sub: user })
    .where(({ and }) => and({ request_hash: request.request_hash, browser, status: 'pending' }))
    .where('expires', '>', now)
    .returningAll()
    .executeTakeFirst()
  // Only then: a question that another browser has taken over meanwhile is for its user to answer.
  if (refused !== undefined && request.kind === 'call')
    await tx
      .updateTable('auth_server_approvals')
      .set({ status: 'refused', display: null })
      .where(({ and }) => and({ id: request.operation, status: 'open' }))
      .execute()
  return refused && readAgain(request, refused)
}
