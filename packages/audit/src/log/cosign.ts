import { AuditError } from '../audit-error.js'
import { cosignatureLine, type Witness } from '../note/witness.js'
import { tiledTree } from '../tree/prove.js'
import { cosignedSize, keepCosignature, newestCheckpoint } from './checkpoint-rows.js'
import type { LogContext } from './log-context.js'
import { readSize, tileReader } from './tile-rows.js'

/**
 * Has the newest checkpoint cosigned, unless it is already.
 * @throws AuditError `witness-unavailable`, `witness-conflict`
 */
export async function cosignNewest({ store, tables, now }: LogContext, witness: Witness): Promise<void> {
  const newest = await newestCheckpoint(store.db, tables)
  const seen = await cosignedSize(store.db, tables)
  if (newest === undefined || newest.size === seen) return
  const { size, note } = newest
  const tree = tiledTree(tileReader(store.db, tables))
  const ask = async (old: number) => witness.cosign({ old, proof: await tree.consistency(old, size), checkpoint: note })
  let answer = await ask(seen)
  if ('size' in answer) {
    // It has cosigned what is not known here, as after an answer that was lost; but never more than this log has. Another
    // instance may have had a later checkpoint cosigned meanwhile: the next round goes on from there.
    if (answer.size > size && answer.size <= (await readSize(store.db, tables))) return
    if (answer.size > size) throw conflict()
    answer = await ask(answer.size)
  }
  if ('size' in answer) throw conflict()
  const line = cosignatureLine(answer.signatures, { checkpoint: note, publicKey: witness.publicKey, now: now() })
  await store.write(tx => keepCosignature(tx, tables, { size, line }))
}

function conflict(): AuditError {
  return new AuditError('witness-conflict', 'the witness has cosigned a larger tree than this database holds')
}
