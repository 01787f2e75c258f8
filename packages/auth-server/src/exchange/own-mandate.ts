import { AAuthError, missingScope, parseScope } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { refreshTokenLifetime } from '../grant/refresh-token.js'
import { beginningOf } from '../mandate/chain.js'
import type { Tables } from '../tables.js'
import type { Upstream } from './upstream-token.js'

/** Grants of one owner, user and resource whose scope is read; an owner cannot have more. */
const mostRead = 500

/** Checks the grant that a chain began with, where this auth server gave it. */
export interface OwnMandates {
  /**
   * @param user `sub` of the upstream user here, where there is one
   * @throws AAuthError `invalid_auth_token` (400) when it was revoked: the upstream token works until `exp`, but is not exchanged
   * @see protocol §6.2 "exchanges at this issuer stop at once"
   */
  check(upstream: Upstream, caller: string, user: string | undefined): Promise<void>
}

/** Queries over the grants. */
export function ownMandatesIn(store: Store<Tables>, issuer: string, now: () => number): OwnMandates {
  return {
    async check(upstream, caller, user) {
      const { iss, sub, scope, act } = upstream
      const first = beginningOf(act, caller)
      if (first?.iss !== issuer) return
      const live = store.db
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
      for (const name of namesOf(upstream)) {
        for (const grants of theirs) {
          const named = grants.where(({ and }) => and(name)).limit(held.length === 0 ? 1 : mostRead)
          const rows = await named.execute()
          if (rows.some(row => missingScope(parseScope(row.scope), held).length === 0)) return
        }
      }
      throw new AAuthError('invalid_auth_token', 'the grant of upstream_token has been revoked or has ended', {
        status: 400,
      })
    },
  }
}

/**
 * What the grant may be found by. The same user may have granted the same agent twice, even in one action: a token of this
 * server names its grant, so a second identical grant cannot revive a revoked one. Older tokens, and those of other issuers,
 * have an audit id at most; older grants have none, and fit any. A live grant is always found, at the price that such a token
 * may also be taken for one of a second identical grant.
 */
function namesOf({ grant, txn }: Upstream): ReadonlyArray<{ readonly id?: string; readonly txn?: string | null }> {
  if (grant !== undefined) return [{ id: grant }]
  return txn === undefined ? [{}] : [{ txn }, { txn: null }]
}
