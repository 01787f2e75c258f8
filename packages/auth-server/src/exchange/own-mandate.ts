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
   * @param user our name for the upstream user, where there is one
   * @throws AAuthError `invalid_auth_token` (400) when it was revoked: the token lives on until `exp`, and gives nothing more
   * @see protocol §6.2 "exchanges at this issuer stop at once"
   */
  check(upstream: Upstream, caller: string, user: string | undefined): Promise<void>
}

/** Queries over the grants. */
export function ownMandatesIn(store: Store<Tables>, issuer: string, now: () => number): OwnMandates {
  return {
    async check({ iss, sub, scope, txn, act }, caller, user) {
      const first = beginningOf(act, caller)
      if (first?.iss !== issuer) return
      // With more of a chain, others have issued it since: what began without an audit id may have got one, or lost it.
      const isWhole = act.act === undefined
      const query = store.db
        .selectFrom('auth_server_grants')
        .select(['scope', 'txn'])
        .where('agent', '=', first.agent)
        .where('agent_delegate', '=', first.delegate ?? '')
        .where('resource', '=', first.resource)
        .where('last_used', '>', now() - grantLifetime)
        .limit(mostRead)
      // Of a token of our own it is known whose it is and what it held; of a longer chain, that it began here, and whose it is
      // where we know its user: another user's grant to the same agent stands for none that was revoked.
      const owner = iss === issuer ? sub : user
      const rows = await (iss === issuer || owner !== undefined
        ? query.where('user_sub', owner === undefined ? 'is' : '=', owner ?? null)
        : query
      ).execute()
      // The same user may have let the same agent in twice: of tokens with one audit id, none lives on by the other grant.
      const stands = rows.some(row =>
        isWhole
          ? row.txn === (txn ?? null) && missingScope(parseScope(row.scope), scope).length === 0
          : row.txn === null || txn === undefined || row.txn === txn,
      )
      if (stands) return
      throw new AAuthError('invalid_auth_token', 'what upstream_token was issued for has ended', { status: 400 })
    },
  }
}
