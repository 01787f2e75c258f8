import { AAuthError, missingScope, parseScope } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { refreshTokenLifetime } from '../grant/refresh-token.js'
import { beginningOf } from '../mandate/chain.js'
import type { Tables } from '../tables.js'
import type { Upstream } from './upstream-token.js'

/** Grants of one owner, user and resource whose scope is looked at; more is more than one owner can have. */
const mostRead = 500

/** Tells whether the mandate that a chain began with still stands, where this auth server gave it. */
export interface OwnMandates {
  /**
   * @param user our name for the upstream user, where there is one
   * @throws AAuthError `invalid_auth_token` (400) when it was revoked: the token lives on until `exp`, and gives nothing more
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
      // Of a token of our own it is known whose it is; of a longer chain, that it began here, and whose it is where we know
      // its user: another user's grant to the same agent stands for none that was revoked.
      const isOwn = iss === issuer
      const owner = isOwn ? sub : user
      const ofNobody = live.where('user_sub', 'is', null)
      const ofOwner = owner === undefined ? ofNobody : live.where('user_sub', '=', owner)
      // Apart, as the indexes are.
      const theirs = isOwn || owner !== undefined ? [ofOwner] : [ofNobody, live.where('user_sub', 'is not', null)]
      // What it held is known of our own token, and before it was passed on.
      const held = isOwn && act.act === undefined ? scope : []
      for (const name of namesOf(upstream)) {
        for (const grants of theirs) {
          const named = grants.where(({ and }) => and(name)).limit(held.length === 0 ? 1 : mostRead)
          const rows = await named.execute()
          if (rows.some(row => missingScope(parseScope(row.scope), held).length === 0)) return
        }
      }
      throw new AAuthError('invalid_auth_token', 'what upstream_token was issued for has ended', { status: 400 })
    },
  }
}

/**
 * What the grant may be found by. The same user may have let the same agent in twice, in one action even: our own token says
 * which time it is of. One from before tokens did, or that others have issued since, has its audit id at most, and grants
 * from before they kept one fit any: what lives is never refused, though a twin may stand in for what was revoked.
 */
function namesOf({ grant, txn }: Upstream): ReadonlyArray<{ readonly id?: string; readonly txn?: string | null }> {
  if (grant !== undefined) return [{ id: grant }]
  return txn === undefined ? [{}] : [{ txn }, { txn: null }]
}
