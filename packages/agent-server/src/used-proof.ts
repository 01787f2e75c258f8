import { AAuthError } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { refusedEnrollment } from './enrollment.js'
import type { Tables } from './tables.js'

/** How many proofs of one delegate are remembered at a time: who can have as many tokens as they like must not fill the table. */
const proofsOfOne = 100

/**
 * Uses a proof up, in the transaction that makes the delegate: of many that show it, one finds it unused.
 * Once it has ended it is forgotten, since then it would be refused for that.
 * @throws AAuthError `invalid_grant` when it was used; `rate_limited` when its delegate has used too many of late
 */
export async function takeProof(
  tx: Store<Tables>['db'],
  proof: { readonly hash: string; readonly sub: string; readonly expires: number; readonly now: number },
): Promise<void> {
  const { hash, sub, expires, now } = proof
  // Ended ones are forgotten in their own time; this one counts no more.
  await tx.deleteFrom('agent_server_used_proofs').where('hash', '=', hash).where('expires', '<=', now).execute()
  const used = await tx
    .selectFrom('agent_server_used_proofs')
    .select('hash')
    .where('sub', '=', sub)
    .where('expires', '>', now)
    .limit(proofsOfOne)
    .execute()
  if (used.length >= proofsOfOne)
    throw new AAuthError('rate_limited', 'this delegate has enrolled too often of late', { retryAfter: 60 })
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('agent_server_used_proofs')
    .values({ hash, sub, expires })
    .onConflict(conflict => conflict.column('hash').doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 0n) throw refusedEnrollment('what the enrolment shows was used before')
}
