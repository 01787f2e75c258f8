import { conditionsIn, conditionsText, purposesIn, purposesText } from '../mandate/conditions-text.js'
import type { GrantRow } from '../tables/tables.js'
import { type Grant, type Principal, principalColumns } from './grant.js'
import { refreshTokenHash } from './refresh-token.js'

/** A grant to be written. */
export interface NewGrant {
  readonly principal: Principal
  readonly grant: Grant
  /** The refresh token; its hash is stored. */
  readonly token: string
  /** Hash of the code that gave it. */
  readonly redemption?: string
  /** JSON of the words that the user saw. */
  readonly words?: string | null
  readonly now: number
}

/** The row of a new grant. */
export function rowOf({ principal, grant, token, redemption, words, now }: NewGrant): GrantRow {
  return {
    refresh_hash: refreshTokenHash(token),
    id: grant.id,
    ...principalColumns(principal),
    resource: grant.resource,
    scope: grant.scope,
    purpose: grant.purpose ?? null,
    created: now,
    last_used: now,
    user_sub: grant.user?.sub ?? null,
    claims: grant.user === undefined ? null : JSON.stringify(grant.user.claims),
    redemption_hash: redemption ?? null,
    txn: grant.txn ?? null,
    words: words ?? null,
    conditions: conditionsText(grant.conditions),
    purposes: purposesText(grant.purposes),
    renamed: null,
  }
}

/** The grant of a row. */
export function grantOf(row: GrantRow): Grant {
  const { id, resource, scope, purpose, txn, user_sub, claims } = row
  return {
    id,
    resource,
    scope,
    purpose: purpose ?? undefined,
    txn: txn ?? undefined,
    user: user_sub === null ? undefined : { sub: user_sub, claims: JSON.parse(claims ?? '{}') },
    purposes: purposesIn(row.purposes),
    conditions: conditionsIn(row.conditions),
    isRenamed: row.renamed === null ? undefined : true,
  }
}
