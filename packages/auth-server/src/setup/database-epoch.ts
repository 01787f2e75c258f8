import { errorResponse } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { EpochKeeper, Store } from '@countersign/store'
import { type Epoch, openEpoch } from '@countersign/store/internal'
import type { AuthServerEvent } from '../event/event.js'
import { room, type Tables } from '../tables/tables.js'

/** Opens the epoch of a database, where one is kept. Closes a database that is behind it. */
export async function openDatabaseEpoch(
  store: Store<Tables>,
  { epoch: keeper, onEvent }: { readonly epoch?: EpochKeeper; readonly onEvent?: (event: AuthServerEvent) => void },
  now: () => number,
): Promise<Epoch | undefined> {
  if (keeper === undefined) return undefined
  try {
    const onLost = (): void => onEvent?.({ type: 'alarm', reason: 'epoch-lost' })
    return await openEpoch(store, { room, keeper, now, onLost })
  } catch (thrown) {
    await store.close()
    throw thrown
  }
}

/** Events whose effects a restored backup would undo. */
const ending = new Set([
  ...['consented', 'declined', 'revoked', 'taken_back', 'alarm', 'signed_out'],
  ...['narrowed', 'approvals_stopped', 'inbox_turned', 'blocked', 'ended_by_operator'],
  // A link that was used would work again, and an admin who was removed would be back.
  ...['admin_enrolled', 'admin_removed', 'admin_signed_out'],
  ...['key_made', 'key_retired', 'key_revoked'],
  ...['account_created', 'account_recovered', 'account_deleted', 'passkey_removed', 'provider_unlinked'],
])

/** Passes events on. Those that an older database must not miss advance the epoch. */
export function withEpoch(
  onEvent: ((event: AuthServerEvent) => void) | undefined,
  epoch: Epoch | undefined,
): (event: AuthServerEvent) => void {
  return event => {
    if (ending.has(event.type) || (event.type === 'granted' && event.by !== 'policy')) epoch?.touch()
    onEvent?.(event)
  }
}

/** A database that was restored under a running server is not used: its codes and grants may have been used or revoked. */
export function restoredResponse(now: () => number): Response {
  return errorResponse(refusal('database_restored', { retryAfter: 60 }), { now })
}
