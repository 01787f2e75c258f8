import { AAuthError, missingScope, parseScope } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { grantLifetime } from '../grants.js'
import type { Tables } from '../tables.js'
import { beginningOf } from './chain.js'
import type { Upstream } from './upstream-token.js'

/** Grants of one owner, user and resource that are looked at; more is more than one owner can have. */
const mostRead = 500

/** Tells whether the mandate that a chain began with still stands, where this auth server gave it. */
export interface OwnMandates {
  /**
   * @throws AAuthError `invalid_auth_token` (400) when it was revoked: the token lives on until `exp`, and gives nothing more
   * @see protocol §6.2 "exchanges at this issuer stop at once"
   */
  check(upstream: Upstream, caller: string): Promise<void>
}

/** Queries over the grants. */
export function ownMandatesIn(store: Store<Tables>, issuer: string, now: () => number): OwnMandates {
  return {
    async check({ iss, sub, scope, act }, caller) {
      const first = beginningOf(act, caller)
      if (first?.iss !== issuer) return
      const isWhole = act.act === undefined
      const query = store.db
        .selectFrom('auth_server_grants')
        .select('scope')
        .where('agent', '=', first.agent)
        .where('agent_delegate', '=', first.delegate ?? '')
        .where('resource', '=', first.resource)
        .where('last_used', '>', now() - grantLifetime)
        .limit(mostRead)
      // Whose it is and what it held is known of a token of our own; of a longer chain, that it began here.
      const rows = await (iss === issuer
        ? query.where('user_sub', sub === undefined ? 'is' : '=', sub ?? null)
        : query
      ).execute()
      const needed = isWhole ? scope : []
      if (rows.some(row => missingScope(parseScope(row.scope), needed).length === 0)) return
      throw new AAuthError('invalid_auth_token', 'what upstream_token was issued for has ended', { status: 400 })
    },
  }
}
