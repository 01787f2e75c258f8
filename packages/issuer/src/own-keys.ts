import { type Reporter, recordIfUsed, type Transaction } from '@countersign/audit/internal'
import { jwks, type PublishedKey } from '@countersign/protocol'
import type { KeyRotation, OperatorKeys, Store } from '@countersign/store'
import {
  fixedKeys,
  type KnownKeys,
  keyOperator,
  type OwnKeyEvent,
  type OwnKeys,
  type OwnKeysOptions,
  openOwnKeys,
  operatedAs,
  ownKeySchedule,
  takeOverKeys,
} from '@countersign/store/internal'
import type { IssuerEvent } from './issuer-event.js'
import type { IssuerKind } from './kind.js'

/** The keys of the options: a list is fixed, and nothing rotates. */
export type IssuerKeys = readonly PublishedKey[] | KeyRotation

/**
 * Checks keys before a database is opened.
 * @throws TypeError when there is none, or they cannot be in one JWK set; RangeError for the times of a rotation
 */
export function checkKeys<E>(keys: IssuerKeys, { lifetimes }: Pick<IssuerKind<E>, 'lifetimes'>): void {
  if (!('rotateEvery' in keys)) return void fixedKeys(keys)
  jwks(keys.before ?? [])
  ownKeySchedule(keys, lifetimes)
}

/**
 * Takes over the keys of the options.
 * @throws Error when the database was used with others: no token could be refreshed or renewed, and no error would say why
 */
export async function takeOver<T, E>(
  store: Store<T>,
  kind: IssuerKind<E>,
  o: { readonly keys: IssuerKeys; readonly knownKeys: KnownKeys; readonly now: () => number },
): Promise<void> {
  const { room } = kind
  const record = await recordIfUsed(store, { ...kind, now: o.now })
  await takeOverKeys(store, { ...o, room, also: (tx, changed) => record(tx, { type: 'keys_changed', ...changed }) })
}

/** Opens the own keys that {@link takeOver} took over. */
export function openKeys<T, E>(
  { store, report }: { readonly store: Store<T>; readonly report: Reporter<E | IssuerEvent> },
  { room, lifetimes }: IssuerKind<E>,
  o: { readonly keys: IssuerKeys; readonly now: () => number },
): Promise<OwnKeys> {
  const schedule = (rotation: KeyRotation) => ownKeySchedule(rotation, lifetimes)
  return openOwnKeys(store, { ...o, room, schedule, ...reportingTo(report) })
}

/** The own keys of a database, for its operator. `keys`: undefined where the options of the server are not known here. */
// unchecked options {} and o: only the two servers and the console call it, and TypeScript checks them
export function operatorKeys<T, E>(
  { store, report }: { readonly store: Store<T>; readonly report: Reporter<E | IssuerEvent> },
  { room, lifetimes }: Pick<IssuerKind<E>, 'room' | 'lifetimes'>,
  o: { readonly keys: IssuerKeys | undefined; readonly now: () => number; readonly onChanged: () => void },
): OperatorKeys {
  const { keys, now, onChanged } = o
  return keyOperator(store, { room, now, onChanged, ...operatedAs(keys, lifetimes), ...reportingTo(report) })
}

/** Reports what happens to own keys with the change: `onEvent` is told once that is committed. */
function reportingTo<E>(report: Reporter<E | IssuerEvent>): Required<Pick<OwnKeysOptions, 'record' | 'onEvent'>> {
  return {
    record: (tx, event) => report.within(tx as unknown as Transaction, keyEvent(event)),
    onEvent: () => undefined,
  }
}

/** The event of a log for what happened to an own key. */
export function keyEvent({ did, ...facts }: OwnKeyEvent): IssuerEvent {
  return { type: `key_${did}`, ...facts } as IssuerEvent
}
