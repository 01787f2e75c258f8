import { randomUUID } from 'node:crypto'
import type { AccountTables, HistoryEntry, HistoryRow } from '@countersign/auth-server/internal'
import { sweepAtMost } from '@countersign/auth-server/internal'
import type { Transaction } from '@countersign/store/internal'

/** Lines that are kept of one user. */
const mostLines = 200

/** What a line of the history says. */
export interface HistoryLine {
  readonly sub: string
  readonly at: number
  readonly what: HistoryEntry
  /** The name of the passkey or the provider. */
  readonly about: string
  readonly browser: string
}

/** Adds a line to a user's sign-in history, and drops the oldest beyond {@link mostLines}. */
export async function noteHistory(tx: Transaction<AccountTables>, line: HistoryLine): Promise<void> {
  await tx
    .insertInto('auth_server_history')
    .values({ id: randomUUID(), ...line })
    .execute()
  const surplus = tx
    .selectFrom('auth_server_history')
    .select('id')
    .where('sub', '=', line.sub)
    .orderBy('at', 'desc')
    .orderBy('id')
    .limit(sweepAtMost)
    .offset(mostLines)
  await tx.deleteFrom('auth_server_history').where('id', 'in', surplus).execute()
}

/** The history of a user, newest first. */
export function historyOf(db: Transaction<AccountTables>, sub: string): Promise<HistoryRow[]> {
  return db
    .selectFrom('auth_server_history')
    .selectAll()
    .where('sub', '=', sub)
    .orderBy('at', 'desc')
    .limit(mostLines)
    .execute()
}
