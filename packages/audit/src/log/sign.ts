import { AuditError } from '../audit-error.js'
import { parseCheckpoint } from '../note/checkpoint.js'
import type { CheckpointSigner } from '../note/signer.js'
import { tiledTree } from '../tree/prove.js'
import { type CheckpointRow, keepCheckpoint, newestCheckpoint } from './checkpoint-rows.js'
import type { LogContext } from './log-context.js'
import { readSize, tileReader } from './tile-rows.js'

/** What signing needs. */
export interface SignContext extends LogContext {
  readonly signer: CheckpointSigner
}

/**
 * Signs the tree that is stored, unless its checkpoint is there already. It is signed after its events are on the disk: a signature of
 * events that a crash then loses would be one of another history.
 * @throws AuditError `inconsistent` where the tree does not begin with the one that was signed last: somebody has changed the tables
 */
export async function signCheckpoint({ store, tables, signer, now }: SignContext): Promise<CheckpointRow | undefined> {
  const last = await newestCheckpoint(store.db, tables)
  const size = await readSize(store.db, tables)
  if (size === (last?.size ?? 0)) return last
  const tree = tiledTree(tileReader(store.db, tables))
  if (last !== undefined) {
    // Read, not verified: it may be of an earlier key. Its root must be that of the tree all the same.
    const { origin, root } = parseCheckpoint(last.note)
    if (origin !== signer.origin) throw new AuditError('origin', 'the database holds the log of another origin')
    // Signing on would hide what was changed in the database.
    if (size < last.size || Buffer.compare(await tree.root(last.size), root) !== 0)
      throw new AuditError('inconsistent', 'the tree in the database does not go on from the last checkpoint')
  }
  const note = await signer.sign({ size, root: await tree.root(size) })
  const row = { size, time: Math.floor(now()), note }
  await store.write(tx => keepCheckpoint(tx, tables, row))
  return row
}
