import type { EpochKeeper, Store } from '@countersign/store'
import { type Epoch, openEpoch } from '@countersign/store/internal'
import type { IssuerEvent } from './issuer-event.js'
import type { IssuerKind } from './kind.js'

/** The epoch of a database, where one is kept. */
export interface DatabaseEpoch {
  /** Absent where none is kept. */
  readonly epoch: Epoch | undefined
  /** Whether the mark outside the database was lost, and is written anew. */
  readonly wasLost: boolean
}

/** @throws StoreError `restored` when the database is behind its mark */
export async function openDatabaseEpoch<T>(
  store: Store<T>,
  room: string,
  { epoch: keeper, now }: { readonly epoch: EpochKeeper | undefined; readonly now: () => number },
): Promise<DatabaseEpoch> {
  if (keeper === undefined) return { epoch: undefined, wasLost: false }
  let wasLost = false
  const epoch = await openEpoch(store, {
    room,
    keeper,
    now,
    onLost: () => {
      wasLost = true
    },
  })
  return { epoch, wasLost }
}

/** Passes events on. Those that an older database must not miss advance the epoch. */
export function withEpoch<E>(
  onEvent: (event: E | IssuerEvent) => void,
  epoch: Pick<Epoch, 'touch'> | undefined,
  { isUndoneByRestore }: Pick<IssuerKind<E>, 'isUndoneByRestore'>,
): (event: E | IssuerEvent) => void {
  if (epoch === undefined) return onEvent
  return event => {
    if (isUndoneByRestore(event)) epoch.touch()
    onEvent(event)
  }
}
