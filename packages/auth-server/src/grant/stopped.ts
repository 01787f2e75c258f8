import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Tables } from '../tables/tables.js'

/** Which agent a user has told to stop asking, and where. All its delegates are meant: an agent makes as many as it likes. */
export interface Stopped {
  readonly user_sub: string
  readonly agent: string
  readonly resource: string
}

/**
 * Refuses what an agent asks of a user who has told it to stop, and suspends what it was given before.
 * @throws AAuthError `access_denied` (`approval_stopped`)
 * @see protocol §9.4, clause approval.limits
 */
export async function checkStopped(db: Store<Tables>['db'], { user_sub, agent, resource }: Stopped): Promise<void> {
  const row = await db
    .selectFrom('auth_server_approval_stops')
    .select('created')
    .where(({ and }) => and({ user_sub, agent, resource }))
    .executeTakeFirst()
  if (row === undefined) return
  throw refusal('approval_stopped')
}
