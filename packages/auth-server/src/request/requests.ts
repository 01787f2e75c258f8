import type { Also } from '@countersign/audit/internal'
import type { SiteOf } from '@countersign/discovery'
import { parseScope } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { type RequestQuota, requestStore } from '../bound/request-quota.js'
import { sweepAtMost, sweeper } from '../bound/sweep.js'
import { sweepConsents } from '../grant/consents.js'
import { type Principal, principalIn } from '../grant/grant.js'
import { newCodeSecret, newRequestToken, requestHash, requestLifetime } from '../secret/request-token.js'
import type { Tables } from '../tables/tables.js'
import { claimIn, type HowClaimed, type RefusedHere, refuseIn } from './claim-row.js'
import { type DecisionHere, decideIn } from './decide-row.js'
import { type RequestBy, type RequestOf, readRequest, type StoredRequest } from './read-request.js'
import { type NewRequest, type NewWay, rowOf } from './request-row.js'
import { newUserCode } from './user-code.js'

/** Seconds for which an expired request is kept, so that its refusal can say so. */
const remembered = 600

/** The requests of one auth server that wait for a user or for their agent. */
export interface Requests {
  /** Stores a request for a browser; resolves with its `request_token` once that is on disk. */
  // unchecked options o: only packages of ours call it, and TypeScript checks them
  add(
    request: NewRequest,
    o: { readonly redirect_uri: string; readonly state?: string | undefined },
  ): Promise<{ readonly id: string; readonly request_token: string }>
  /** Stores a request of a device. */
  addDevice(
    request: NewRequest,
  ): Promise<{ readonly id: string; readonly device_code: string; readonly user_code: string }>
  /** The request of a request token or device code; an expired one for a little longer. */
  find(token: string): Promise<StoredRequest | undefined>
  /** The request of a user code, while it waits; with `browser` only one that this browser has claimed. */
  findByUserCode(userCode: string, browser?: string): Promise<RequestBy<'device'> | undefined>
  /** The request that waits in the inbox of this user, by the name of its open question. */
  findInInbox(question: string, user: string): Promise<RequestBy<'inbox'> | undefined>
  /**
   * Claims the request for this browser; false where another has it, or it no longer waits.
   */
  claim(row: StoredRequest, browser: string, how?: HowClaimed): Promise<boolean>
  /**
   * Notes a decision of the browser that claimed the request, and resolves with the row once that is on disk.
   * Absent when it was decided already, has expired, or is no longer remembered.
   */
  decide<R extends RequestOf<'access' | 'exchange'>>(
    row: R,
    decision: DecisionHere,
    also?: Also<R>,
  ): Promise<R | undefined>
  /**
   * Ends a request that nobody is asked about, and resolves with the row once that is on disk. Absent when it was decided already, has
   * expired, or is another browser's.
   */
  refuse<R extends StoredRequest>(row: R, o: RefusedHere, also?: Also): Promise<R | undefined>
  /** How many live requests of the agent, or of all agents of its site, this user has been shown. */
  shown(row: StoredRequest, user: string): Promise<number>
}

/** Queries over the table. */
// unchecked options o: only the desk, the console and tests call it, and TypeScript checks them
export function requestsIn(
  store: Store<Tables>,
  now: () => number,
  o: { readonly quota: RequestQuota; readonly development: boolean; readonly siteOf?: SiteOf | undefined },
): Requests {
  const sweep = sweeper(now, tx => sweepRequests(tx, now()))
  const put = requestStore(store, { ...o, now, sweep })

  async function insert(request: NewRequest, way: NewWay): Promise<{ id: string; token: string }> {
    const token = newRequestToken()
    const row = { ...rowOf(request, { way, now: now() }), request_hash: requestHash(token) }
    await put(row)
    return { id: row.id, token }
  }

  return {
    async add(request, { redirect_uri, state }) {
      const { id, token } = await insert(request, { flow: 'browser', redirect_uri, state })
      return { id, request_token: token }
    },

    async addDevice(request) {
      const user_code = newUserCode()
      const { id, token } = await insert(request, { flow: 'device', user_code })
      return { id, device_code: token, user_code }
    },

    ...requestFinder(store, now),

    claim: (row, browser, how) => store.write(tx => claimIn(tx, row, { browser, how, now: now() })),

    refuse: (row, o, also) =>
      store.write(async tx => {
        const refused = await refuseIn(tx, row, { ...o, now: now() })
        if (refused !== undefined) await also?.(tx)
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

function requestFinder(
  store: Pick<Store<Tables>, 'db'>,
  now: () => number,
): Pick<Requests, 'find' | 'findByUserCode' | 'findInInbox'> {
  return {
    async find(token) {
      const row = await store.db
        .selectFrom('auth_server_requests')
        .selectAll()
        .where('request_hash', '=', requestHash(token))
        .executeTakeFirst()
      return row && readRequest(row)
    },

    async findByUserCode(userCode, browser) {
      const found = store.db
        .selectFrom('auth_server_requests')
        .selectAll()
        .where('user_code', '=', userCode)
        .where('expires', '>', now())
      const row = await (browser === undefined ? found : found.where('browser', '=', browser)).executeTakeFirst()
      return row && goesBy('device', readRequest(row))
    },

    async findInInbox(question, user) {
      const row = await store.db
        .selectFrom('auth_server_requests')
        .innerJoin('auth_server_approvals', 'auth_server_approvals.id', 'auth_server_requests.operation')
        .selectAll('auth_server_requests')
        .where('auth_server_approvals.id', '=', question)
        .where('auth_server_approvals.user_sub', '=', user)
        .where('auth_server_approvals.status', '=', 'open')
        .where('auth_server_requests.answer', '=', 'inbox')
        .where('auth_server_requests.status', '=', 'pending')
        .where('auth_server_requests.expires', '>', now())
        .executeTakeFirst()
      return row && goesBy('inbox', readRequest(row))
    },
  }
}

function goesBy<W extends StoredRequest['way']>(way: W, request: StoredRequest): RequestBy<W> {
  if (request.way !== way) throw new TypeError('a request goes another way than it was found by')
  return request as RequestBy<W>
}

async function noteShown(tx: Transaction<Tables>, { request_hash }: StoredRequest, user: string): Promise<void> {
  await tx
    .updateTable('auth_server_requests')
    .set({ user_sub: user })
    .where('request_hash', '=', request_hash)
    .where('status', '=', 'pending')
    .execute()
}

async function countShown(
  db: Transaction<Tables>,
  { agent, site }: StoredRequest,
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

/** How an event names a request. */
export function requestFacts({ id, agent, agent_delegate, resource, scope, txn }: StoredRequest): Principal & {
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

/** Deletes expired requests and consents, a few at a time; resolves with the larger of both counts. */
export async function sweepRequests(tx: Transaction<Tables>, now: number): Promise<number> {
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
