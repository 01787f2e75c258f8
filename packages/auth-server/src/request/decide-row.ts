import { type Conditions, narrow } from '@countersign/conditions'
import { serializeScope } from '@countersign/protocol'
import type { Transaction } from '@countersign/store/internal'
import { type ConsentKey, rememberConsent, rememberedWords, rememberedYes } from '../grant/consents.js'
import type { GrantUser } from '../grant/grant.js'
import { beginningName, beginningOf, chainName, chainOf } from '../mandate/chain.js'
import { conditionsText, purposesIn } from '../mandate/conditions-text.js'
import { countsPerGrant } from '../mandate/counts-per-grant.js'
import { codeLifetime } from '../secret/request-token.js'
import type { Tables } from '../tables/tables.js'
import { isUser } from '../users/users.js'
import { isPolled, type RequestOf, readAgain, type StoredRequest, upstreamOf } from './read-request.js'

/** What a user decided. */
export interface UserDecision {
  readonly user: GrantUser
  /** The allowed scopes; empty for a no. */
  readonly scope: readonly string[]
  /** Whether the user is not asked again. */
  readonly remember: 'yes' | 'no'
  /** `remembered`: they said so before, and it stands only while that is remembered. */
  readonly by: 'user' | 'remembered'
  /** The descriptions they saw, by scope; undefined for a remembered consent. */
  readonly words?: Readonly<Record<string, string>> | undefined
  /** The scopes among them that are grave, or may be: these are asked about each time, except in an exchange. */
  readonly grave?: readonly string[] | undefined
  /**
   * The scopes among them that stand as they were allowed before, under the conditions of that time. Default: all of a remembered consent,
   * else none.
   */
  readonly held?: readonly string[] | undefined
  /** The conditions that they chose for the others. */
  readonly conditions?: Conditions | undefined
}

/** A decision, and the browser that made it. */
export interface DecisionHere {
  readonly browser: string
  readonly decision: UserDecision
}

/** One transaction: there is never a remembered consent without its code, or a code without its consent. */
export async function decideIn<R extends RequestOf<'access' | 'exchange'>>(
  tx: Transaction<Tables>,
  o: {
    readonly row: R
    readonly browser: string
    readonly decision: UserDecision
    readonly secret: string
    readonly now: number
  },
): Promise<R | undefined> {
  const { row, browser, decision, secret, now } = o
  const { user, scope, remember } = decision
  const key = consentKey(row, user.sub)
  // The account was deleted while the page was open: nobody could take back what it allows.
  if (!(await isUser(tx, user.sub))) return undefined
  // The user may have taken it back since it was read (ACC-09).
  const { held: heldBefore = decision.by === 'remembered' ? scope : [] } = decision
  const held = scope.filter(name => heldBefore.includes(name))
  const before = await rememberedYes(tx, key, { scope: held, now })
  if (before.scope.length !== held.length) return undefined
  const conditions = narrow([before.conditions, decision.conditions ?? []])
  const words = decision.words ?? (await rememberedWords(tx, key, scope))
  // A device polls every few seconds: it has at least the lifetime of a code left.
  const expires = isPolled(row) ? Math.max(row.expires, now + codeLifetime) : now + codeLifetime
  const granted = {
    status: 'granted' as const,
    granted_scope: scope.length === 0 ? null : serializeScope(scope),
    claims: JSON.stringify(user.claims),
    code_secret: secret,
    words: JSON.stringify(words),
    conditions: conditionsText(conditions),
    expires,
  }
  const decided = await tx
    .updateTable('auth_server_requests')
    .set({ user_sub: user.sub, ...(scope.length === 0 ? { status: 'denied' as const } : granted) })
    .where('request_hash', '=', row.request_hash)
    .where('browser', '=', browser)
    .where('status', '=', 'pending')
    .where('expires', '>', now)
    .returningAll()
    .executeTakeFirst()
  if (decided?.status === 'granted' && remember === 'yes') {
    const { grave = [] } = decision
    // The code of an exchange is worth nothing once the upstream token has expired: without memory its user would be asked for ever.
    const kept = row.kind === 'exchange' ? scope : scope.filter(name => !grave.includes(name))
    if (kept.length > 0 && isRememberable(decision))
      await rememberConsent(tx, key, { scope: kept, now, words, held, conditions: decision.conditions ?? [] })
  }
  return decided && readAgain(row, decided)
}

/** A count for the life of a grant would begin anew with a grant that memory gives (DEL-39). */
function isRememberable({ conditions = [] }: UserDecision): boolean {
  return !countsPerGrant(conditions)
}

/** What a consent to this request is remembered for. */
export function consentKey(row: StoredRequest, user_sub: string): ConsentKey {
  const { agent, agent_delegate, resource } = row
  const upstream = upstreamOf(row)
  const key = { user_sub, agent, agent_delegate, resource, purposes: purposesIn(row.purposes) }
  if (upstream === undefined) return key
  const beginning = beginningOf(upstream.act, agent)
  const hops = chainOf(upstream.act).map(hop => hop.agent)
  return { ...key, chain: chainName(upstream.act), beginning: beginning && beginningName(beginning), hops }
}
