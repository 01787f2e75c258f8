import { createHash } from 'node:crypto'
import type { Also } from '@countersign/audit/internal'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { sweeper } from '../sweep.js'
import type { DelegateRow, Tables } from '../tables.js'

/** Seconds for which a replaced key may repeat its rotation. @see protocol §5 */
const repeatWindow = 60
/** Seconds for which the `jti` of a proof is remembered: longer than a proof is valid. */
const proofMemory = 180

/**
 * The state of a key for the delegate that an agent token names: `current`; `outgoing`, replaced by a rotation within the last
 * minute, so that it may repeat that rotation to `successor`; `replaced` earlier, or by an enrolment; `ended` when the delegate
 * is revoked or forgotten.
 */
export type KeyStanding =
  | { readonly standing: 'current' | 'replaced' | 'ended' }
  | { readonly standing: 'outgoing'; readonly successor: string }

/** A rotation whose proof was verified. */
export interface Rotation {
  readonly sub: string
  /** Thumbprint of the key that signed the request. */
  readonly from: string
  /** Thumbprint of the key that signed the proof. */
  readonly to: string
  readonly jti: string
}

/** `taken`: the new key is or was a delegate's. `reused`: the proof was used before. */
export type RotationOutcome = 'rotated' | 'repeated' | 'taken' | 'reused' | 'replaced' | 'ended'

/** The keys of delegates. */
export interface DelegateKeys {
  standing(sub: string, jkt: string): Promise<KeyStanding>
  rotate(rotation: Rotation, also?: Also): Promise<RotationOutcome>
}

type KeyRow = Pick<DelegateRow, 'jkt' | 'previous_jkt' | 'rotated' | 'revoked'>

/** The keys in the database. Of two rotations at once, one conditional statement lets one succeed. */
export function delegateKeysIn(store: Store<Tables>, now: () => number): DelegateKeys {
  const sweep = sweeper(store, 'agent_server_key_proofs', now)
  return {
    standing: async (sub, jkt) => judgeStanding(await findKeyRow(store.db, sub), jkt, now()),
    async rotate(rotation, also) {
      await sweep()
      try {
        return await store.write(async tx => {
          const outcome = await rotate(tx, rotation, now())
          if (outcome === 'rotated') await also?.(tx)
          return outcome
        })
      } catch (thrown) {
        if (thrown instanceof ReusedProof) return 'reused'
        throw thrown
      }
    },
  }
}

/** Thrown inside the transaction, to undo the rotation. */
class ReusedProof extends Error {}

function findKeyRow(db: Transaction<Tables>, sub: string): Promise<KeyRow | undefined> {
  return db
    .selectFrom('agent_server_delegates')
    .select(['jkt', 'previous_jkt', 'rotated', 'revoked'])
    .where('sub', '=', sub)
    .executeTakeFirst()
}

function judgeStanding(row: KeyRow | undefined, jkt: string, now: number): KeyStanding {
  if (row === undefined || row.revoked !== null) return { standing: 'ended' }
  if (row.jkt === jkt) return { standing: 'current' }
  const isOutgoing = row.previous_jkt === jkt && row.rotated !== null && now - row.rotated <= repeatWindow
  return isOutgoing ? { standing: 'outgoing', successor: row.jkt } : { standing: 'replaced' }
}

async function rotate(tx: Transaction<Tables>, rotation: Rotation, now: number): Promise<RotationOutcome> {
  const { sub, from, to } = rotation
  const { numUpdatedRows } = await tx
    .updateTable('agent_server_delegates')
    .set({ jkt: to, previous_jkt: from, rotated: now, last_seen: now })
    .where('sub', '=', sub)
    .where('jkt', '=', from)
    .where('revoked', 'is', null)
    // A replaced or revoked key must not become valid again, and one key belongs to one delegate.
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('agent_server_delegates as other')
            .select('other.sub')
            .where(({ or, eb }) => or([eb('other.jkt', '=', to), eb('other.previous_jkt', '=', to)])),
        ),
      ),
    )
    .executeTakeFirstOrThrow()
  if (numUpdatedRows > 0n) {
    await takeProof(tx, rotation, now)
    return 'rotated'
  }
  const found = judgeStanding(await findKeyRow(tx, sub), from, now)
  if (found.standing === 'current') return 'taken'
  if (found.standing === 'outgoing') return found.successor === to ? 'repeated' : 'replaced'
  return found.standing
}

/** Marks the proof as used: it must not rotate again, even if its old key became the current one again. */
async function takeProof(tx: Transaction<Tables>, { to, jti }: Rotation, now: number): Promise<void> {
  const hash = createHash('sha256').update(`${to}.${jti}`).digest('base64url')
  await tx.deleteFrom('agent_server_key_proofs').where('hash', '=', hash).where('expires', '<=', now).execute()
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('agent_server_key_proofs')
    .values({ hash, expires: now + proofMemory })
    .onConflict(conflict => conflict.column('hash').doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 0n) throw new ReusedProof()
}

/** One text for every cause: the delegate is unknown, revoked, or has another key. */
export function keyRefusal(): AAuthError {
  return refusal('delegate_key_not_current')
}
