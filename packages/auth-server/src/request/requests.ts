import type { Also } from '@countersign/audit/internal'
import { type Conditions, narrow } from '@countersign/conditions'
import type { SiteOf } from '@countersign/discovery'
import { parseScope, serializeScope } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { type RequestQuota, requestStore } from '../bound/request-quota.js'
import { sweepAtMost, sweeper } from '../bound/sweep.js'
import { upstreamOf } from '../exchange/upstream-token.js'
import { type ConsentKey, rememberConsent, rememberedWords, rememberedYes, sweepConsents } from '../grant/consents.js'
import { type GrantUser, type Principal, principalIn } from '../grant/grant.js'
import { beginningName, beginningOf, chainName, chainOf } from '../mandate/chain.js'
import { conditionsText, purposesIn } from '../mandate/conditions-text.js'
import { countsPerGrant } from '../mandate/counts-per-grant.js'
import { codeLifetime, newCodeSecret, newRequestToken, requestHash, requestLifetime } from '../secret/request-token.js'
import type { RequestRow, Tables } from '../tables/tables.js'
import { isUser } from '../users/users.js'
import { claimIn, type HowClaimed, type RefusedHere, refuseIn } from './claim-row.js'
import { type NewRequest, rowOf } from './request-row.js'
import { newUserCode } from './user-code.js'

/** Seconds for which an expired request is kept, so that its refusal can say so. */
const remembered = 600

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

/** The requests of one auth server that wait for a user or for their agent. */
export interface Requests {
  /** Stores a request for a browser; resolves with its `request_token` once that is on disk. */
  add(
    request: NewRequest,
    o: { readonly redirect_uri: string; readonly state?: string | undefined },
  ): Promise<{ readonly id: string; readonly request_token: string }>
  /** Stores a request of a device. */
  addDevice(
    request: NewRequest,
  ): Promise<{ readonly id: string; readonly device_code: string; readonly user_code: string }>
  /** The request of a request token or device code; an expired one for a little longer. */
  find(token: string): Promise<RequestRow | undefined>
  /** The request of a user code, while it waits; with `browser` only one that this browser has claimed. */
  findByUserCode(userCode: string, browser?: string): Promise<RequestRow | undefined>
  /**
   * Claims the request for this browser; false where another has it, or it no longer waits.
   */
  claim(row: RequestRow, browser: string, how?: HowClaimed): Promise<boolean>
  /**
   * Notes a decision of the browser that claimed the request, and resolves with the row once that is on disk.
   * Absent when it was decided already, has expired, or is no longer remembered.
   */
  decide(row: RequestRow, decision: DecisionHere, also?: Also<RequestRow>): Promise<RequestRow | undefined>
  /**
   * Ends a request that nobody is asked about, and resolves with the row once that is on disk. Absent when it was decided already, has
   * expired, or is another browser's.
   */
  refuse(row: RequestRow, o: RefusedHere, also?: Also<RequestRow>): Promise<RequestRow | undefined>
  /** How many live requests of the agent, or of all agents of its site, this user has been shown. */
  shown(row: RequestRow, user: string): Promise<number>
}

type Transaction = Store<Tables>['db']

/** Queries over the table. */
export function requestsIn(
  store: Store<Tables>,
  now: () => number,
  o: { readonly quota: RequestQuota; readonly development: boolean; readonly siteOf?: SiteOf | undefined },
): Requests {
  const sweep = sweeper(now, tx => sweepRequests(tx, now()))
  const put = requestStore(store, { ...o, now, sweep })

  async function insert(request: NewRequest, more: Partial<RequestRow>): Promise<{ id: string; token: string }> {
    const token = newRequestToken()
    const row: RequestRow = { ...rowOf(request, now()), ...more, request_hash: requestHash(token) }
    await put(row)
    return { id: row.id, token }
  }

  return {
    async add(request, { redirect_uri, state }) {
      const { id, token } = await insert(request, { redirect_uri, state: state ?? null })
      return { id, request_token: token }
    },

    async addDevice(request) {
      const user_code = newUserCode()
      const { id, token } = await insert(request, { user_code })
      return { id, device_code: token, user_code }
    },

    find(token) {
      return store.db
        .selectFrom('auth_server_requests')
        .selectAll()
        .where('request_hash', '=', requestHash(token))
        .executeTakeFirst()
    },

    findByUserCode(userCode, browser) {
      const found = store.db
        .selectFrom('auth_server_requests')
        .selectAll()
        .where('user_code', '=', userCode)
        .where('expires', '>', now())
      return (browser === undefined ? found : found.where('browser', '=', browser)).executeTakeFirst()
    },

    claim: (row, browser, how) => store.write(tx => claimIn(tx, row, { browser, how, now: now() })),

    refuse: (row, o, also) =>
      store.write(async tx => {
        const refused = await refuseIn(tx, row, { ...o, now: now() })
        if (refused !== undefined) await also?.(tx, refused)
        return refused
      }),

    decide(row, { browser, decision }, also) {
      const secret = newCodeSecret()
      return store.write(async tx => {
        const decided = await decideIn(tx, { row, browser, decision, secret, now: now() })
        if (decided !== undefined) await also?.(tx, decided)
        return decided
      })
    },

    async shown(row, user) {
      await store.write(tx => noteShown(tx, row, user))
      return countShown(store.db, row, { user, since: now() - requestLifetime })
    },
  }
}

async function noteShown(tx: Transaction, { request_hash }: RequestRow, user: string): Promise<void> {
  await tx
    .updateTable('auth_server_requests')
    .set({ user_sub: user })
    .where('request_hash', '=', request_hash)
    .where('status', '=', 'pending')
    .execute()
}

async function countShown(
  db: Transaction,
  { agent, site }: RequestRow,
  { user, since }: { readonly user: string; readonly since: number },
): Promise<number> {
  const { count } = await db
    .selectFrom('auth_server_requests')
    .select(({ fn }) => fn.countAll().as('count'))
    // By site: else each subdomain of one attacker would have a count of its own.
    .where(site === null ? 'agent' : 'site', '=', site ?? agent)
    .where('user_sub', '=', user)
    .where('created', '>', since)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** One transaction: there is never a remembered consent without its code, or a code without its consent. */
async function decideIn(
  tx: Transaction,
  o: {
    readonly row: RequestRow
    readonly browser: string
    readonly decision: UserDecision
    readonly secret: string
    readonly now: number
  },
): Promise<RequestRow | undefined> {
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
  const isDevice = row.user_code !== null
  // A device polls every few seconds: it has at least the lifetime of a code left.
  const expires = isDevice ? Math.max(row.expires, now + codeLifetime) : now + codeLifetime
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
    const kept = row.upstream === null ? scope.filter(name => !grave.includes(name)) : scope
    if (kept.length > 0 && isRememberable(decision))
      await rememberConsent(tx, key, { scope: kept, now, words, held, conditions: decision.conditions ?? [] })
  }
  return decided
}

/** A count for the life of a grant would begin anew with a grant that memory gives (DEL-39). */
function isRememberable({ conditions = [] }: UserDecision): boolean {
  return !countsPerGrant(conditions)
}

/** How an event names a request. */
export function requestFacts({ id, agent, agent_delegate, resource, scope, txn }: RequestRow): Principal & {
  readonly request: string
  readonly resource: string
  readonly scope: readonly string[]
  readonly txn?: string
} {
  return {
    request: id,
    ...principalIn({ agent, agent_delegate }),
    resource,
    scope: parseScope(scope),
    ...(txn === null ? {} : { txn }),
  }
}

/** What a consent to this request is remembered for. */
export function consentKey(row: RequestRow, user_sub: string): ConsentKey {
  const { agent, agent_delegate, resource } = row
  const upstream = upstreamOf(row)
  const key = { user_sub, agent, agent_delegate, resource, purposes: purposesIn(row.purposes) }
  if (upstream === undefined) return key
  const beginning = beginningOf(upstream.act, agent)
  const hops = chainOf(upstream.act).map(hop => hop.agent)
  return { ...key, chain: chainName(upstream.act), beginning: beginning && beginningName(beginning), hops }
}

/** Deletes expired requests and consents, a few at a time; resolves with the larger of both counts. */
export async function sweepRequests(tx: Transaction, now: number): Promise<number> {
  const consents = await sweepConsents(tx, now)
  const ended = tx
    .selectFrom('auth_server_requests')
    .select('request_hash')
    .where('expires', '<=', now - remembered)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_requests')
    .where('request_hash', 'in', ended)
    .executeTakeFirstOrThrow()
  return Math.max(consents, Number(numDeletedRows))
}
