import { createHash } from 'node:crypto'
import { AAuthError } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { sweeper } from '../sweep.js'
import type { DelegateRow, Tables } from '../tables.js'

/** Seconds for which the key that was replaced may ask again for what its rotation gave (protocol §5). */
const repeatWindow = 60
/** Seconds for which the `jti` of a proof is remembered: longer than `iat` may lie on both sides of now. */
const proofMemory = 180

/**
 * How a key stands to the delegate that an agent token of ours names:
 * `current`; `outgoing`, replaced less than a minute ago, so that it may repeat its rotation to `successor`;
 * `replaced` for longer, or by an enrolment; `ended` when the delegate is revoked or gone.
 */
export type KeyStanding =
  | { readonly standing: 'current' | 'replaced' | 'ended' }
  | { readonly standing: 'outgoing'; readonly successor: string }

/** One rotation, its proof verified. */
export interface Rotation {
  readonly sub: string
  /** Thumbprint of the key that signed the request. */
  readonly from: string
  /** Thumbprint of the key that signed the proof. */
  readonly to: string
  readonly jti: string
}

/** `taken`: the new key is or was a delegate's. `reused`: its proof rotated once before. */
export type RotationOutcome = 'rotated' | 'repeated' | 'taken' | 'reused' | 'replaced' | 'ended'

/** Which key stands for a delegate, and how one follows another. */
export interface DelegateKeys {
  standing(sub: string, jkt: string): Promise<KeyStanding>
  rotate(rotation: Rotation): Promise<RotationOutcome>
}

type Transaction = Store<Tables>['db']
type KeyRow = Pick<DelegateRow, 'jkt' | 'previous_jkt' | 'rotated' | 'revoked'>

/** Queries over the tables; of two rotations that race, one conditional statement lets one through. */
export function delegateKeysIn(store: Store<Tables>, now: () => number): DelegateKeys {
  const sweep = sweeper(store, 'agent_server_key_proofs', now)
  return {
    standing: async (sub, jkt) => standingOf(await keyRow(store.db, sub), jkt, now()),
    async rotate(rotation) {
      await sweep()
      try {
        return await store.write(tx => rotate(tx, rotation, now()))
      } catch (thrown) {
        if (thrown instanceof ReusedProof) return 'reused'
        throw thrown
      }
    },
  }
}

/** Thrown inside the transaction, so that the rotation it belongs to is undone. */
class ReusedProof extends Error {}

function keyRow(db: Transaction, sub: string): Promise<KeyRow | undefined> {
  return db
    .selectFrom('agent_server_delegates')
    .select(['jkt', 'previous_jkt', 'rotated', 'revoked'])
    .where('sub', '=', sub)
    .executeTakeFirst()
}

function standingOf(row: KeyRow | undefined, jkt: string, now: number): KeyStanding {
  if (row === undefined || row.revoked !== null) return { standing: 'ended' }
  if (row.jkt === jkt) return { standing: 'current' }
  const isOutgoing = row.previous_jkt === jkt && row.rotated !== null && now - row.rotated <= repeatWindow
  return isOutgoing ? { standing: 'outgoing', successor: row.jkt } : { standing: 'replaced' }
}

async function rotate(tx: Transaction, rotation: Rotation, now: number): Promise<RotationOutcome> {
  const { sub, from, to } = rotation
  const { numUpdatedRows } = await tx
    .updateTable('agent_server_delegates')
    .set({ jkt: to, previous_jkt: from, rotated: now, last_seen: now })
    .where('sub', '=', sub)
    .where('jkt', '=', from)
    .where('revoked', 'is', null)
    // A key that was replaced or revoked must not come back, and one key is one delegate's.
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
  const found = standingOf(await keyRow(tx, sub), from, now)
  if (found.standing === 'current') return 'taken'
  if (found.standing === 'outgoing') return found.successor === to ? 'repeated' : 'replaced'
  return found.standing
}

/** A proof rotates once: were the old key ever made current again, what it proved before counts for nothing. */
async function takeProof(tx: Transaction, { to, jti }: Rotation, now: number): Promise<void> {
  const hash = createHash('sha256').update(`${to}.${jti}`).digest('base64url')
  await tx.deleteFrom('agent_server_key_proofs').where('hash', '=', hash).where('expires', '<=', now).execute()
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('agent_server_key_proofs')
    .values({ hash, expires: now + proofMemory })
    .onConflict(conflict => conflict.column('hash').doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 0n) throw new ReusedProof()
}

/** A replaced or revoked key must not come back through a token it still holds. */
export function refusedKey(): AAuthError {
  return new AAuthError('invalid_agent_token', 'the key of this agent token is not the current key of its delegate')
}
