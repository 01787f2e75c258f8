import type { Transaction } from '@countersign/store/internal'
import { sweepAtMost } from '../bound/sweep.js'
import type { Tables } from '../tables/tables.js'

/** Seconds without use after which a user must sign in again. */
export const sessionIdle = 3600
/** Seconds after which a user must sign in again, whatever they did. */
export const sessionLife: number = 12 * 3600
/** Seconds that a line of the history of an account is kept. */
const historyLife = 90 * 86_400

/** Deletes a few sessions that have ended; resolves with how many. */
export async function sweepSessions(tx: Transaction<Tables>, now: number): Promise<number> {
  const ended = tx
    .selectFrom('auth_server_sessions')
    .select('secret_hash')
    .where(({ or, eb }) => or([eb('last_used', '<=', now - sessionIdle), eb('created', '<=', now - sessionLife)]))
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_sessions')
    .where('secret_hash', 'in', ended)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/** Deletes a few old lines of the histories of accounts; resolves with how many. */
export async function sweepHistory(tx: Transaction<Tables>, now: number): Promise<number> {
  const old = tx
    .selectFrom('auth_server_history')
    .select('id')
    .where('at', '<=', now - historyLife)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx.deleteFrom('auth_server_history').where('id', 'in', old).executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/** Deletes a few challenges that are too old to be answered again; resolves with how many. */
export async function sweepChallenges(tx: Transaction<Tables>, now: number): Promise<number> {
  const ended = tx
    .selectFrom('auth_server_used_challenges')
    .select('name')
    .where('expires', '<=', now)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_used_challenges')
    .where('name', 'in', ended)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/** Deletes a few invitations that have expired; resolves with how many. */
export async function sweepInvitations(tx: Transaction<Tables>, now: number): Promise<number> {
  const ended = tx
    .selectFrom('auth_server_invitations')
    .select('secret_hash')
    .where('expires', '<=', now)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_invitations')
    .where('secret_hash', 'in', ended)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/** Deletes a few keys and links of admins that have ended; resolves with how many. */
export async function sweepAdmins(tx: Transaction<Tables>, now: number): Promise<number> {
  const links = tx
    .selectFrom('auth_server_admin_links')
    .select('secret_hash')
    .where('expires', '<=', now)
    .limit(sweepAtMost)
  const keys = tx
    .selectFrom('auth_server_admin_keys')
    .select('thumbprint')
    .where('expires', '<=', now)
    .limit(sweepAtMost)
  const ended = await Promise.all([
    tx.deleteFrom('auth_server_admin_links').where('secret_hash', 'in', links).executeTakeFirstOrThrow(),
    tx.deleteFrom('auth_server_admin_keys').where('thumbprint', 'in', keys).executeTakeFirstOrThrow(),
  ])
  return Math.max(...ended.map(({ numDeletedRows }) => Number(numDeletedRows)))
}
