import type { OpenReporting, Reporter, Transaction } from '@countersign/audit/internal'
import { jwks, type PublishedKey } from '@countersign/protocol'
import type { KeyRotation, OperatorKeys, Store } from '@countersign/store'
import {
  fixedKeys,
  keyOperator,
  type OwnKeyEvent,
  type OwnKeys,
  type OwnKeysOptions,
  openOwnKeys,
  operatedAs,
  ownKeySchedule,
  takeOverKeys,
} from '@countersign/store/internal'
import { recordBeside } from '../audit/open-reporting.js'
import type { AuthServerEvent } from '../event/event.js'
import type { AuthServerOptions } from '../options.js'
import { room, type Tables } from '../tables/tables.js'

/** The longest life of an auth token in seconds. `authTokenLifetime` may be shorter now than it was. */
export const longestLifetime = 3600

const lifetimes = { tokenLifetime: longestLifetime, grace: 0 }

type Keys = readonly PublishedKey[] | KeyRotation

/**
 * Checks keys before a database is opened.
 * @throws TypeError when there is none, or they cannot be in one JWK set; RangeError for the times of a rotation
 */
export function checkKeys(keys: Keys): void {
  if (!('rotateEvery' in keys)) return void fixedKeys(keys)
  jwks(keys.before ?? [])
  ownKeySchedule(keys, lifetimes)
}

/** Takes over the keys of the options. Closes the database when it was used with others. */
export async function takeOver(
  store: Store<Tables>,
  { keys, knownKeys = 'check' }: Pick<AuthServerOptions, 'keys' | 'knownKeys'>,
  now: () => number,
): Promise<void> {
  try {
    const record = await recordBeside(store, now)
    await takeOverKeys(store, {
      ...{ room, keys, knownKeys, now },
      also: (tx, changed) => record(tx, { type: 'keys_changed', ...changed }),
    })
  } catch (thrown) {
    await store.close()
    throw thrown
  }
}

/** Opens the keys of an auth server. Closes what it reports to, and the database, where that fails. */
export async function openKeys(
  reporting: Pick<OpenReporting<Tables, AuthServerEvent>, 'store' | 'report' | 'end'>,
  { keys }: Pick<AuthServerOptions, 'keys'>,
  now: () => number,
): Promise<OwnKeys> {
  const { store, report } = reporting
  try {
    return await openOwnKeys(store, {
      ...{ room, keys, now, ...recording(report) },
      schedule: rotation => ownKeySchedule(rotation, lifetimes),
    })
  } catch (thrown) {
    await reporting.end()
    await store.close()
    throw thrown
  }
}

/** Reports an event with its change: `onEvent` is told once that is committed. */
function recording(report: Reporter<AuthServerEvent>): Required<Pick<OwnKeysOptions, 'record' | 'onEvent'>> {
  return {
    record: (tx, event) => report.within(tx as unknown as Transaction, keyEvent(event)),
    onEvent: () => undefined,
  }
}

/** The keys of a database, for an operator. By the defaults where the options of the server are not known here. */
export function operatorKeys(o: {
  readonly store: Store<Tables>
  readonly rotation?: Keys | undefined
  readonly now: () => number
  readonly report: Reporter<AuthServerEvent>
  readonly onKeysChanged: () => void
}): OperatorKeys {
  return keyOperator(o.store, {
    ...{ room, now: o.now, onChanged: o.onKeysChanged },
    ...operatedAs(o.rotation, lifetimes),
    ...recording(o.report),
  })
}

function keyEvent(event: OwnKeyEvent): AuthServerEvent {
  const { did, ...facts } = event
  return { type: `key_${did}`, ...facts } as AuthServerEvent
}
