import { AAuthError } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import type { Tables } from '../tables.js'
import { refusedEnrollment } from './enrollment.js'

/** How many proofs of one delegate are remembered at a time: who can have as many tokens as they like must not fill the table. */
const proofsOfOne = 100

/** In place of a hash: the row that says when the database was restored. */
const restoredRow = 'restored'
/** Seconds for which that is of interest: no proof whose issue is known lives longer. */
const longestProof = 86_400

/** Notes that proofs which were issued until now may have been used, though no row here says so. */
export async function forgetProofsUntil(tx: Store<Tables>['db'], now: number): Promise<void> {
  const row = { hash: restoredRow, sub: '', expires: now + longestProof }
  await tx
    .insertInto('agent_server_used_proofs')
    .values(row)
    .onConflict(conflict => conflict.column('hash').doUpdateSet({ expires: row.expires }))
    .execute()
}

async function checkSinceRestore(tx: Store<Tables>['db'], issued: number): Promise<void> {
  const row = await tx
    .selectFrom('agent_server_used_proofs')
    .select('expires')
    .where('hash', '=', restoredRow)
    .executeTakeFirst()
  if (row === undefined || issued > row.expires - longestProof) return
  throw refusedEnrollment('the proof was issued before the database was restored; get a new one')
}

/**
 * Uses a proof up, in the transaction that makes the delegate: of many that show it, one finds it unused.
 * Once it has ended it is forgotten, since then it would be refused for that.
 * @throws AAuthError `invalid_grant` when it was used; `rate_limited` when its delegate has used too many of late
 */
export async function takeProof(
  tx: Store<Tables>['db'],
  proof: {
    readonly hash: string
    readonly sub: string
    /** When its issuer made it, where that is known. */
    readonly issued?: number
    readonly expires: number
    readonly now: number
  },
): Promise<void> {
  const { hash, sub, issued, expires, now } = proof
  if (issued !== undefined) await checkSinceRestore(tx, issued)
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
