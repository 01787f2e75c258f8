import type { SiteOf } from '@countersign/discovery'
import { shareSite } from '@countersign/discovery/internal'
import { hasShare } from '@countersign/httpsig/internal'
import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { inGroups, type Transaction } from '@countersign/store/internal'
import type { RequestRow, Tables } from '../tables/tables.js'

/** How many requests may wait for users at once. */
export interface RequestQuota {
  /** Of one agent with all its delegates. */
  readonly agent: number
  /** Of one delegate. */
  readonly delegate: number
  /**
   * Of all agents together. Default 10 000. A registrable domain may hold a tenth of them, and the last tenth is for those that
   * hold less than a thousandth; in development there are no such shares.
   * @see protocol §10
   */
  readonly total?: number
}

/** The default. */
export const defaultQuota: Required<RequestQuota> = { agent: 1000, delegate: 100, total: 10_000 }

/**
 * Bytes that one request may take, counted over everything in it that strangers choose: the quota counts requests, so a large
 * one must not take the room of many.
 */
const mostBytes = 8192

/** Rows that share one transaction, and rows that wait for theirs. */
const groupOf = { most: 64, capacity: 1000 }

/** How requests are counted. */
export interface QuotaOptions {
  readonly now: () => number
  readonly quota: RequestQuota
  readonly development: boolean
  readonly siteOf?: SiteOf | undefined
}

/** Names the lock under which requests are counted and stored. */
export const requestLock = 'requests'

/**
 * Stores one request in a transaction that holds {@link requestLock}, counted as all others.
 * @throws AAuthError `rate_limited` where the quota has no room for it
 */
export async function addRequest(tx: Transaction<Tables>, row: RequestRow, o: QuotaOptions): Promise<void> {
  checkBytes(row)
  const { development, siteOf } = o
  const site = development ? null : shareSite(row.agent, siteOf)
  const [isAdded = false] = await addWithin(tx, [{ ...row, site }], { quota: quotaOf(o), now: o.now() })
  if (!isAdded) throw quotaError()
}

function quotaOf({ quota, development }: QuotaOptions): Required<RequestQuota> {
  return { ...defaultQuota, ...quota, ...(development ? { total: Number.POSITIVE_INFINITY } : {}) }
}

function quotaError(): AAuthError {
  return refusal('quota_exceeded', { retryAfter: 60 })
}

/**
 * Stores requests that wait, each counted in the transaction that stores it: of a burst that comes at once, no more than the
 * quota pass, whichever instances they reach.
 */
export function requestStore(
  store: Store<Tables>,
  o: QuotaOptions & {
    /** Run within the write that stores requests. */
    readonly sweep: (tx: Transaction<Tables>) => Promise<unknown> | undefined
  },
): (row: RequestRow) => Promise<void> {
  const { now, development, siteOf, sweep } = o
  const quota = quotaOf(o)
  const add = inGroups<RequestRow, boolean>({
    ...groupOf,
    run: rows =>
      store.write(
        async tx => {
          await sweep(tx)
          return addWithin(tx, rows, { quota, now: now() })
        },
        { alone: requestLock },
      ),
  })
  return async row => {
    checkBytes(row)
    if (await add({ ...row, site: development ? null : shareSite(row.agent, siteOf) })) return
    throw quotaError()
  }
}

interface Bounds {
  readonly quota: Required<RequestQuota>
  readonly now: number
}

/** Adds the rows that the quota has room for, in order; tells of each whether it was added. */
async function addWithin(
  tx: Transaction<Tables>,
  rows: readonly RequestRow[],
  bounds: Bounds,
): Promise<readonly boolean[]> {
  const waiting = await waitingIn(tx, rows, bounds.now)
  const outcomes = rows.map(row => waiting.take(row, bounds.quota))
  const added = rows.filter((_, index) => outcomes[index])
  if (added.length > 0) await tx.insertInto('auth_server_requests').values(added).execute()
  return outcomes
}

/** How many requests wait already, by each name that these rows are counted under. */
async function waitingIn(tx: Transaction<Tables>, rows: readonly RequestRow[], now: number): Promise<Waiting> {
  const live = tx.selectFrom('auth_server_requests').where('expires', '>', now)
  const counted = live.select(({ fn }) => fn.countAll<number>().as('count'))
  const agents = [...new Set(rows.map(({ agent }) => agent))]
  const sites = [...new Set(rows.flatMap(({ site }) => site ?? []))]
  const { count: total } = await counted.executeTakeFirstOrThrow()
  const ofDelegates = await counted
    .select(['agent', 'agent_delegate'])
    .where('agent', 'in', agents)
    .groupBy(['agent', 'agent_delegate'])
    .execute()
  const ofSites =
    sites.length === 0 ? [] : await counted.select('site').where('site', 'in', sites).groupBy('site').execute()
  const waiting = new Waiting()
  waiting.add('total', Number(total))
  for (const { agent, agent_delegate, count } of ofDelegates) {
    waiting.add(agentName(agent), Number(count))
    waiting.add(delegateName(agent, agent_delegate), Number(count))
  }
  for (const { site, count } of ofSites) waiting.add(siteName(site ?? ''), Number(count))
  return waiting
}

/** Counts by name, and whether one more fits. */
class Waiting {
  // bound: one call
  readonly #counts = new Map<string, number>()

  add(name: string, count: number): void {
    this.#counts.set(name, this.#of(name) + count)
  }

  #of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** Counts the row where all of its counts have room. */
  take({ agent, agent_delegate, site }: RequestRow, quota: Required<RequestQuota>): boolean {
    const delegate = delegateName(agent, agent_delegate)
    const total = this.#of('total')
    if (total >= quota.total || this.#of(agentName(agent)) >= quota.agent) return false
    if (agent_delegate !== '' && this.#of(delegate) >= quota.delegate) return false
    // A subdomain costs nothing, a registrable domain does: three subdomains of one stranger must not take three shares.
    const share = { capacity: quota.total, share: quota.total / 10 }
    if (site !== null && !hasShare({ inAll: total, own: this.#of(siteName(site)), ...share })) return false
    for (const name of ['total', agentName(agent), delegate, ...(site === null ? [] : [siteName(site)])])
      this.add(name, 1)
    return true
  }
}

function agentName(agent: string): string {
  return JSON.stringify(['agent', agent])
}

function delegateName(agent: string, delegate: string): string {
  return JSON.stringify(['delegate', agent, delegate])
}

function siteName(site: string): string {
  return JSON.stringify(['site', site])
}

function checkBytes(row: RequestRow): void {
  const { agent, agent_delegate, resource, scope, purpose, txn, login_hint, redirect_uri, state, upstream } = row
  const { purposes, delegation, operation } = row
  const texts = [
    agent,
    agent_delegate,
    resource,
    scope,
    purpose,
    txn,
    login_hint,
    redirect_uri,
    state,
    upstream,
  ].concat([purposes, delegation, operation])
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0)
  if (bytes > mostBytes) throw refusal('request_too_large', { about: 'at most 8 KiB' })
}
