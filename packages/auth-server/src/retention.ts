import type { Store } from '@countersign/store'
import { sweepGrants } from './grants.js'
import { sweepSessions } from './login/browser-session.js'
import { neededFor } from './login/users.js'
import { sweepRequests } from './requests.js'
import { everySeconds, sweepInterval } from './sweep.js'
import type { Tables } from './tables.js'

const sweepAtMost = 500

/** Keeps what is known of people no longer than it is of use. */
export interface Retention {
  /** Begins a sweep, at most one a minute; whoever is asked something meanwhile does not wait for it. */
  sweep(): void
  /** Resolves when no sweep is under way. */
  settled(): Promise<void>
}

/**
 * Deletes what has reached its age whatever else happens here: writes sweep their own tables, and a table that nobody writes to
 * would keep its people for ever.
 */
export function retention(store: Store<Tables>, now: () => number): Retention {
  const isDue = everySeconds(sweepInterval, now)
  let flight: Promise<void> = Promise.resolve()
  return {
    sweep() {
      if (!isDue()) return
      // A database that is away is told of by whoever needs its answer; the next sweep takes up what this one left.
      flight = flight.then(() => store.write(tx => sweepAll(tx, now()))).catch(() => undefined)
    },
    settled: () => flight,
  }
}

type Transaction = Store<Tables>['db']

async function sweepAll(tx: Transaction, now: number): Promise<void> {
  await sweepGrants(tx, now)
  await sweepRequests(tx, now)
  await sweepSessions(tx, now)
  await sweepUsers(tx, now)
}

/**
 * A user who does not sign in for 400 days is forgotten, and what other auth servers call them, but not while an agent of theirs
 * still works, or something that they allowed to be passed on is.
 */
async function sweepUsers(tx: Transaction, now: number): Promise<void> {
  const due = await tx
    .selectFrom('auth_server_users')
    .select('sub')
    .where('review', '<=', now)
    .orderBy('review')
    .limit(sweepAtMost)
    .execute()
  if (due.length === 0) return
  const subs = due.map(({ sub }) => sub)
  await tx
    .deleteFrom('auth_server_users')
    .where('sub', 'in', subs)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('auth_server_grants')
            .select('id')
            .whereRef('auth_server_grants.user_sub', '=', 'auth_server_users.sub'),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('auth_server_consents')
            .select('scope')
            .whereRef('auth_server_consents.user_sub', '=', 'auth_server_users.sub')
            .where('chain', '!=', ''),
        ),
      ),
    )
    .execute()
  await sweepLinks(tx, subs)
  await tx
    .updateTable('auth_server_users')
    .set({ review: now + neededFor })
    .where('sub', 'in', subs)
    .execute()
}

/** What other auth servers call somebody who is forgotten here. */
async function sweepLinks(tx: Transaction, subs: readonly string[]): Promise<void> {
  const left = tx
    .selectFrom('auth_server_users')
    .select('sub')
    .where('sub', 'in', [...subs])
  await tx
    .deleteFrom('auth_server_links')
    .where('user_sub', 'in', [...subs])
    .where('user_sub', 'not in', left)
    .execute()
}
