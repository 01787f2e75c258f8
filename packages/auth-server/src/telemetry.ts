import type { IssuerAnswer, IssuerTelemetry } from '@countersign/issuer'
import type { Store } from '@countersign/store'
import type { AuthServerEvent } from './event/event.js'
import type { Tables } from './tables/tables.js'

/** What an answered request was for: `page` a page for users, `document` metadata or keys, `other` a path that is not answered. */
export type AuthServerEndpoint = 'token' | 'revocation' | 'page' | 'document' | 'other'

/** A request that was answered. */
export type AuthServerAnswer = IssuerAnswer<AuthServerEndpoint>

/** What waits in an auth server now. */
export interface AuthServerLoad {
  /** Requests that wait for a user, or for an agent to fetch the user's answer. Counted up to 10 000. */
  readonly requests: number
  /** Notices to resources that are not delivered yet. Counted up to 10 000. */
  readonly notices: number
  /** Writes of this process that wait for their commit. */
  readonly writes: number
}

/** What an auth server measures itself with: `openTelemetry` of `@countersign/auth-server/otel`, or one of your own. */
export type AuthServerTelemetry = IssuerTelemetry<AuthServerEvent, AuthServerAnswer, AuthServerLoad>

/** Most rows that are counted: the count of a long table would hold up requests. */
const mostCounted = 10_000

/** Counts what waits in a database. */
export async function loadOf(store: Store<Tables>, now: number): Promise<AuthServerLoad> {
  const { db } = store
  const waiting = db
    .selectFrom('auth_server_requests')
    .select('id')
    .where('expires', '>', now)
    .where('status', 'in', ['pending', 'granted'])
    .limit(mostCounted)
  const undelivered = db
    .selectFrom('auth_server_notices')
    .select('id')
    .where('outcome', '=', 'waiting')
    .where('exp', '>', now)
    .limit(mostCounted)
  const [requests, notices] = await Promise.all(
    [waiting, undelivered].map(rows =>
      db
        .selectFrom(rows.as('counted'))
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
    ),
  )
  return { requests: requests?.count ?? 0, notices: notices?.count ?? 0, writes: store.waiting() }
}
