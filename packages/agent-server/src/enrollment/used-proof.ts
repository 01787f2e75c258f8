import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Tables } from '../tables.js'

/** Proofs of one delegate that are remembered at a time: a workload that gets any number of tokens must not fill the table. */
const proofsOfOne = 100

/** Takes the place of a hash in the row that tells when the database was restored. */
const restoredRow = 'restored'
/** Seconds for which that row is needed: no proof with a known time of issue lives longer. */
const longestProof = 86_400

/** Notes that proofs issued until now may have been used, although the restored database has no row for them. */
export async function distrustProofsUntil(tx: Store<Tables>['db'], now: number): Promise<void> {
  const row = { hash: restoredRow, sub: '', expires: now + longestProof }
  await tx
    .insertInto('agent_server_used_proofs')
    .values(row)
    .onConflict(conflict => conflict.column('hash').doUpdateSet({ expires: row.expires }))
    .execute()
}

async function checkIssuedAfterRestore(tx: Store<Tables>['db'], issued: number): Promise<void> {
  const row = await tx
    .selectFrom('agent_server_used_proofs')
    .select('expires')
    .where('hash', '=', restoredRow)
    .executeTakeFirst()
  if (row === undefined || issued > row.expires - longestProof) return
  throw refusal('enrolment_expired')
}

/**
 * Marks a proof as used, in the transaction that makes the delegate: of many requests with it, one succeeds.
 * An expired proof is deleted, because it is refused anyway.
 * @throws AAuthError `invalid_grant` when it was used; `rate_limited` when its delegate has used too many
 */
export async function takeProof(
  tx: Store<Tables>['db'],
  proof: {
    readonly hash: string
    readonly sub: string
    /** When it was issued, if known. */
    readonly issued?: number
    readonly expires: number
    readonly now: number
  },
): Promise<void> {
  const { hash, sub, issued, expires, now } = proof
  if (issued !== undefined) await checkIssuedAfterRestore(tx, issued)
  // The sweep deletes expired rows later; this one must not count now.
  await tx.deleteFrom('agent_server_used_proofs').where('hash', '=', hash).where('expires', '<=', now).execute()
  const used = await tx
    .selectFrom('agent_server_used_proofs')
    .select('hash')
    .where('sub', '=', sub)
    .where('expires', '>', now)
    .limit(proofsOfOne)
    .execute()
  if (used.length >= proofsOfOne) throw refusal('rate_exceeded', { about: 'to enrol', retryAfter: 60 })
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('agent_server_used_proofs')
    .values({ hash, sub, expires })
    .onConflict(conflict => conflict.column('hash').doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 0n) throw refusal('enrolment_used')
}
