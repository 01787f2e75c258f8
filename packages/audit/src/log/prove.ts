import type { Store } from '@countersign/store'
import { AuditError } from '../audit-error.js'
import { type EventProof, eventProof } from '../check/proof.js'
import { tiledTree } from '../tree/prove.js'
import { newestCheckpoint } from './checkpoint-rows.js'
import { findEvent } from './query.js'
import type { AuditTableNames } from './tables.js'
import { tileReader } from './tile-rows.js'

/**
 * Proves an event to the newest checkpoint.
 * @throws AuditError `not-found`, `not-signed`
 */
export async function proveEvent(
  store: Pick<Store<unknown>, 'db'>,
  tables: AuditTableNames,
  id: string,
): Promise<EventProof> {
  const found = await findEvent(store, tables, id)
  if (found === undefined) throw new AuditError('not-found', 'there is no such event in the log')
  const newest = await newestCheckpoint(store.db, tables)
  const { event, record } = found
  if (newest === undefined || newest.size <= event.index)
    throw new AuditError('not-signed', 'no checkpoint covers the event yet')
  const hashes = await tiledTree(tileReader(store.db, tables)).inclusion(event.index, newest.size)
  return eventProof({ index: event.index, record, hashes, checkpoint: newest.note })
}
