import { type AAuthError, missingScope, parseScope } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { refreshTokenLifetime } from '../grant/refresh-token.js'
import { beginningOf } from '../mandate/chain.js'
import type { Tables } from '../tables/tables.js'
import type { Upstream } from './upstream-token.js'

/** Grants of one owner, user and resource whose scope is read; an owner cannot have more. */
const mostRead = 500

/** Checks the grant that a chain began with, where this auth server gave it. */
export interface OwnMandates {
  /**
   * @throws AAuthError `invalid_auth_token` (400) when it was revoked: the upstream token works until `exp`, but is not exchanged
   * @see protocol §6.2 "exchanges at this issuer stop at once"
   */
  check(upstream: Upstream, by: ExchangeParties): Promise<void>
}

/** Who exchanges a token, and for whom. */
export interface ExchangeParties {
  /** The agent that exchanges. */
  readonly caller: string
  /** `sub` of the upstream user here, where there is one. */
  readonly user: string | undefined
  /** A transaction to check in. Default: the committed rows. */
  readonly db?: Store<Tables>['db'] | undefined
}

/** Queries over the grants. */
export function ownMandatesIn(store: Store<Tables>, issuer: string, now: () => number): OwnMandates {
  return {
    async check(upstream, { caller, user, db = store.db }) {
      const { iss, sub, scope, act } = upstream
      // An approval of one call is a mandate like a grant, and the call may need others.
      if (await isOfLivingApproval(upstream, { issuer, db, now: now() })) return
      const first = beginningOf(act, caller)
      if (first?.iss !== issuer) return checkExchanged(upstream, { issuer, db })
      const live = db
        .selectFrom('auth_server_grants')
        .select('scope')
        .where('agent', '=', first.agent)
        .where('agent_delegate', '=', first.delegate ?? '')
        .where('resource', '=', first.resource)
        .where('last_used', '>', now() - refreshTokenLifetime)
      // The owner of the grant is known for a token of this server, and for a longer chain where its user is known here.
      // Another user's grant to the same agent must not stand in for a revoked one.
      const isOwn = iss === issuer
      const owner = isOwn ? sub : user
      const ofNobody = live.where('user_sub', 'is', null)
      const ofOwner = owner === undefined ? ofNobody : live.where('user_sub', '=', owner)
      // Two queries, because there are two indexes.
      const theirs = isOwn || owner !== undefined ? [ofOwner] : [ofNobody, live.where('user_sub', 'is not', null)]
      // The scope of the grant is known only from a token of this server that was not exchanged yet.
      const held = isOwn && act.act === undefined ? scope : []
      for (const name of await namesOf(upstream, { issuer, db })) {
        for (const grants of theirs) {
          const named = grants.where(({ and }) => and(name)).limit(held.length === 0 ? 1 : mostRead)
          const rows = await named.execute()
          if (rows.some(row => missingScope(parseScope(row.scope), held).length === 0)) return
        }
      }
      throw endedError()
    },
  }
}

/** A chain that began elsewhere, and was exchanged here: that exchange must not have ended. */
async function checkExchanged(
  { iss, grant }: Upstream,
  { issuer, db }: { readonly issuer: string; readonly db: Store<Tables>['db'] },
): Promise<void> {
  if (iss !== issuer || grant === undefined) return
  const row = await db.selectFrom('auth_server_exchanged').select('name').where('name', '=', grant).executeTakeFirst()
  if (row === undefined) throw endedError()
}

/** Whether a token of this server, or the chain that led to it, came of an approval of a single call that has not ended. */
async function isOfLivingApproval(
  { iss, grant }: Upstream,
  { issuer, db, now }: { readonly issuer: string; readonly db: Store<Tables>['db']; readonly now: number },
): Promise<boolean> {
  if (iss !== issuer || grant === undefined) return false
  const root = await rootOf(db, grant)
  if (root === null) return false
  const row = await db
    .selectFrom('auth_server_approvals')
    .select('id')
    .where(({ and }) => and({ id: root, status: 'approved' }))
    .where('ended', 'is', null)
    .where('exp', '>', now)
    .executeTakeFirst()
  return row !== undefined
}

function endedError(): AAuthError {
  return refusal('grant_ended', { status: 400 })
}

/**
 * What the grant may be found by. The same user may have granted the same agent twice, even in one action: a token of this
 * server names its grant, so a second identical grant cannot revive a revoked one. Older tokens, and those of other issuers,
 * have an audit id at most; older grants have none, and fit any. A live grant is always found, at the price that such a token
 * may also be taken for one of a second identical grant.
 */
async function namesOf(
  { iss, grant, txn }: Upstream,
  o: { readonly issuer: string; readonly db: Store<Tables>['db'] },
): Promise<ReadonlyArray<{ readonly id?: string; readonly txn?: string | null }>> {
  const root = iss !== o.issuer || grant === undefined ? null : await rootOf(o.db, grant)
  if (root !== null) return [{ id: root }]
  return txn === undefined ? [{}] : [{ txn }, { txn: null }]
}

/** The grant that the chain of a token of this server began with; null where another issuer gave it. */
export async function rootOf(db: Store<Tables>['db'], grant: string): Promise<string | null> {
  const exchanged = await db
    .selectFrom('auth_server_exchanged')
    .select('root')
    .where('name', '=', grant)
    .executeTakeFirst()
  return exchanged === undefined ? grant : exchanged.root
}
