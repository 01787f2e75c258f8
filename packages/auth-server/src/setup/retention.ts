import { setImmediate } from 'node:timers/promises'
import type { Issuer } from '@countersign/issuer/internal'
import { atMostEvery } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { sweepApprovals } from '../approval/history.js'
import { sweepCounts } from '../bound/counts.js'
import { sweepAtMost, sweepInterval } from '../bound/sweep.js'
import { sweepGrants } from '../grant/grant-writer.js'
import { sweepRequests } from '../request/requests.js'
import { sweepExchanged, sweepNotices } from '../revocation/notices.js'
import type { Tables } from '../tables/tables.js'
import { sweepAdmins, sweepChallenges, sweepHistory, sweepInvitations, sweepSessions } from '../users/sweep-people.js'
import { neededFor } from '../users/users.js'

const sweeps = [
  sweepGrants,
  sweepRequests,
  sweepCounts,
  sweepSessions,
  sweepNotices,
  sweepExchanged,
  sweepChallenges,
  sweepInvitations,
  sweepHistory,
  sweepApprovals,
  sweepAdmins,
] as const

/** Batches of one table in one sweep: what is left then is taken up by the next one. */
const mostBatches = 40

/** Deletes rows about people once they are no longer needed. */
export interface Retention {
  /** Begins a sweep, at most one a minute. Requests do not wait for it. */
  sweep(): void
  /** Resolves when no sweep is under way. */
  settled(): Promise<void>
  /** Begins nothing more, and resolves when what is under way is done. */
  end(): Promise<void>
}

/**
 * Sweeps all tables. Each write sweeps the table it writes to, but a table without writes would keep its rows for ever.
 */
export function retention(
  store: Store<Tables>,
  now: () => number,
  epoch?: Pick<Issuer<Tables, never>, 'see'>,
): Retention {
  const isDue = atMostEvery(sweepInterval, now)
  let sweeping: Promise<void> = Promise.resolve()
  let hasEnded = false

  async function sweepAll(): Promise<void> {
    await epoch?.see()
    for (const sweep of [...sweeps, sweepUsers]) {
      for (let batch = 0; batch < mostBatches && !hasEnded; batch++) {
        // One write each, so that writes of requests come between.
        if ((await store.write(tx => sweep(tx, now()))) < sweepAtMost) break
        await setImmediate()
      }
    }
  }

  return {
    sweep() {
      if (hasEnded || !isDue()) return
      // An unreachable database is reported by the requests that need it; the next sweep continues.
      sweeping = sweeping.then(sweepAll).catch(() => undefined)
    },
    settled: () => sweeping,
    end() {
      hasEnded = true
      return sweeping
    },
  }
}

/**
 * Deletes users who have not signed in for 400 days, and their links, but not while they have a grant or an exchange that they
 * allowed is in use. Resolves with how many were looked at.
 */
async function sweepUsers(tx: Transaction<Tables>, now: number): Promise<number> {
  const due = await tx
    .selectFrom('auth_server_users')
    .select('sub')
    .where('review', '<=', now)
    .orderBy('review')
    .limit(sweepAtMost)
    .execute()
  if (due.length === 0) return 0
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
    // A blocked user who was deleted would come back as another one.
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('auth_server_blocks')
            .select('kind')
            .where('kind', '=', 'user')
            .whereRef('auth_server_blocks.name', '=', 'auth_server_users.sub'),
        ),
      ),
    )
    .execute()
  await sweepLinks(tx, subs)
  await sweepWays(tx, subs)
  await tx
    .updateTable('auth_server_users')
    .set({ review: now + neededFor })
    .where('sub', 'in', subs)
    .execute()
  return due.length
}

/** Deletes the links, and the questions and answers, of users who were just deleted. */
async function sweepLinks(tx: Transaction<Tables>, subs: readonly string[]): Promise<void> {
  const tables = [
    ...(['auth_server_links', 'auth_server_approvals'] as const),
    ...(['auth_server_approval_stops', 'auth_server_inboxes'] as const),
  ]
  const left = tx
    .selectFrom('auth_server_users')
    .select('sub')
    .where('sub', 'in', [...subs])
  for (const table of tables)
    await tx
      .deleteFrom(table)
      .where('user_sub', 'in', [...subs])
      .where('user_sub', 'not in', left)
      .execute()
}

/** Deletes the ways to sign in, and the history, of users who were just deleted. */
async function sweepWays(tx: Transaction<Tables>, subs: readonly string[]): Promise<void> {
  const left = tx
    .selectFrom('auth_server_users')
    .select('sub')
    .where('sub', 'in', [...subs])
  for (const table of ['auth_server_identities', 'auth_server_passkeys', 'auth_server_history'] as const)
    await tx
      .deleteFrom(table)
      .where('sub', 'in', [...subs])
      .where('sub', 'not in', left)
      .execute()
}
