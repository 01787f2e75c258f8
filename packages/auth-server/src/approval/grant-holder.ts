import type { Conditions } from '@countersign/conditions'
import { missingScope, parseScope } from '@countersign/protocol'
import type { Transaction } from '@countersign/store/internal'
import { sweepAtMost } from '../bound/sweep.js'
import { resourceScopes } from '../grant/identity-claims.js'
import { refreshTokenLifetime } from '../grant/refresh-token.js'
import { conditionsIn, purposesText } from '../mandate/conditions-text.js'
import type { Tables } from '../tables/tables.js'

/** Whose grant at which resource. */
export interface GrantHolder {
  readonly user_sub: string
  readonly agent: string
  /** Empty for the agent itself. */
  readonly agent_delegate: string
  readonly resource: string
}

/** Whether the user has a living grant for exactly this agent, delegate and resource. */
export async function hasLivingGrant(db: Transaction<Tables>, holder: GrantHolder, now: number): Promise<boolean> {
  const { user_sub, agent, agent_delegate, resource } = holder
  const row = await db
    .selectFrom('auth_server_grants')
    .select('id')
    .where(({ and }) => and({ user_sub, agent, agent_delegate, resource }))
    .where('last_used', '>', now - refreshTokenLifetime)
    .executeTakeFirst()
  return row !== undefined
}

/** The conditions that the user chose for the grant used last that has this scope and these purposes; none where there is no such grant. */
export async function grantConditions(
  db: Transaction<Tables>,
  { agent, agent_delegate, resource, holder }: GrantHolder & { readonly holder: string | null },
  o: { readonly scope: readonly string[]; readonly purposes: readonly string[] | undefined; readonly now: number },
): Promise<Conditions> {
  // Nobody chose any for a direct grant.
  if (holder === null) return []
  const rows = await db
    .selectFrom('auth_server_grants')
    .select(['scope', 'purposes', 'conditions'])
    .where(({ and }) => and({ user_sub: holder, agent, agent_delegate, resource }))
    .where('last_used', '>', o.now - refreshTokenLifetime)
    .orderBy('last_used', 'desc')
    .limit(sweepAtMost)
    .execute()
  const [asked, purposes] = [resourceScopes([...o.scope]), purposesText(o.purposes)]
  const covering = rows.filter(({ scope }) => missingScope(parseScope(scope), asked).length === 0)
  const own = covering.find(row => row.purposes === purposes) ?? covering[0]
  return conditionsIn(own?.conditions ?? null) ?? []
}
