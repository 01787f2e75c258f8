import type { Conditions } from '@countersign/conditions'
import { parseScope, serializeScope } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import type { AuthServerEvent } from '../event/event.js'
import { forgetBegun } from '../grant/consents.js'
import { goOn } from '../grant/going-on.js'
import { deleteGrants } from '../grant/grant-writer.js'
import { resourceScopes } from '../grant/identity-claims.js'
import { refreshTokenLifetime } from '../grant/refresh-token.js'
import { beginningName } from '../mandate/chain.js'
import { conditionsIn } from '../mandate/conditions-text.js'
import { countsPerGrant } from '../mandate/counts-per-grant.js'
import { endApprovalsOf } from '../revocation/end-approvals.js'
import { dropWaitingCodes, endExchanged, type RowsOfUser } from '../revocation/end-waiting.js'
import { writeNotices } from '../revocation/notices.js'
import type { NoticeRow } from '../tables/revocation-tables.js'
import type { GrantRow, Tables } from '../tables/tables.js'
import { accessOf, agentsOf, noticesOf } from './access-list.js'
import { type NarrowedAccess, narrowAccess } from './narrow-access.js'
import type { ShownAccess } from './shown-access.js'

/** Agents on one page. */
export const agentsPerPage = 20
/** Seconds for which the page shows notices. */
const noticesFor = 86_400

/** Knows the tables, for what is deleted with the access. */
type AlsoOf<R> = (tx: Transaction<Tables>, outcome: R) => Promise<void>

/** Agents with access, a page of them. */
export interface AccessPage {
  readonly access: readonly ShownAccess[]
  readonly page: number
  readonly pages: number
  /** Notices to resources about what was taken back in the last day. */
  readonly notices: readonly NoticeRow[]
}

/** What a user takes back: everything, or what all given members fit. */
export interface TakenBack {
  readonly agent?: string | undefined
  /** Empty: the agent itself. */
  readonly delegate?: string | undefined
  readonly resource?: string | undefined
  readonly scope?: string | undefined
}

/** What a user allowed an agent or delegate at a resource. */
export interface HeldAccess {
  /** All of them together. */
  readonly conditions: Conditions
  /** How much of it allows a number of calls in all: that ends where limits are added. */
  readonly counted: 'none' | 'some' | 'all'
}

/** The access that users have given. */
export interface UserAccess {
  list(sub: string, page: number): Promise<AccessPage>
  /**
   * Ends grants of the user, or narrows them; resolves with how many once that is on disk, and the notices with it.
   * @param also written in the same transaction, given how many
   */
  takeBack(sub: string, what: TakenBack, also?: AlsoOf<number>): Promise<number>
  /** What a user allowed an agent or delegate at a resource; undefined where there is nothing. */
  held(sub: string, what: NarrowedAccess): Promise<HeldAccess | undefined>
  /** Adds conditions; resolves with how many grants were narrowed once that is on disk, and the notices with it. */
  // unchecked options narrowed: only packages of ours call it, and TypeScript checks them
  narrow(
    sub: string,
    narrowed: { readonly what: NarrowedAccess; readonly added: Conditions },
    also?: AlsoOf<number>,
  ): Promise<number>
}

/** The event of access that a user takes back. */
export function takenBackEvent(
  user: string,
  { agent, delegate, resource, scope }: TakenBack,
  grants: number,
): AuthServerEvent {
  return {
    type: 'taken_back',
    user,
    grants,
    ...(agent === undefined ? {} : { agent }),
    ...(delegate === undefined || delegate === '' ? {} : { delegate }),
    ...(resource === undefined ? {} : { resource }),
    ...(scope === undefined ? {} : { scope: [scope] }),
  }
}

/** Queries over the tables. @param o.onEnded called when notices are on disk */
export function userAccessIn(
  store: Store<Tables>,
  now: () => number,
  o: { readonly issuer: string; readonly onEnded: () => void },
): UserAccess {
  return {
    async list(sub, page) {
      const live = now() - refreshTokenLifetime
      const agents = await agentsOf(store.db, sub, live)
      const pages = Math.max(1, Math.ceil(agents.length / agentsPerPage))
      const at = Math.min(Math.max(page, 1), pages)
      const shown = agents.slice((at - 1) * agentsPerPage, at * agentsPerPage)
      const [access, notices] = await Promise.all([
        shown.length === 0 ? [] : accessOf(store.db, sub, { agents: shown, live }),
        noticesOf(store.db, sub, now() - noticesFor),
      ])
      return { access, page: at, pages, notices }
    },
    async takeBack(sub, what, also) {
      const ended = await store.write(async tx => {
        const count = await takeBack(tx, sub, { what, issuer: o.issuer, now })
        await also?.(tx, count)
        return count
      })
      if (ended > 0) o.onEnded()
      return ended
    },
    held: (sub, what) => heldAccess(store.db, sub, what),
    async narrow(sub, { what, added }, also) {
      const narrowed = await store.write(async tx => {
        const count = await narrowAccess(tx, sub, { what, added, issuer: o.issuer, now })
        await also?.(tx, count)
        return count
      })
      if (narrowed > 0) o.onEnded()
      return narrowed
    },
  }
}

async function heldAccess(
  db: Transaction<Tables>,
  sub: string,
  { agent, delegate, resource }: NarrowedAccess,
): Promise<HeldAccess | undefined> {
  const columns = { user_sub: sub, agent, agent_delegate: delegate, resource }
  const grants = db
    .selectFrom('auth_server_grants')
    .select('conditions')
    .where(({ and }) => and(columns))
  const consents = db
    .selectFrom('auth_server_consents')
    .select('conditions')
    .where(({ and }) => and(columns))
  const rows = [...(await grants.execute()), ...(await consents.execute())]
  if (rows.length === 0) return undefined
  const lists = [...new Set(rows.map(({ conditions }) => conditions))].map(text => conditionsIn(text) ?? [])
  const counted = lists.filter(countsPerGrant).length
  const none = counted === 0 ? 'none' : 'some'
  return { conditions: eachOnce(lists), counted: counted === lists.length ? 'all' : none }
}

/** All conditions of several yeses. Together they may be more than one token carries: they are shown, and more may be added, all the same. */
function eachOnce(lists: readonly Conditions[]): Conditions {
  return [...new Map(lists.flat().map(condition => [JSON.stringify(condition), condition])).values()]
}

/** The columns that a filter names, always of this user: another user's rows are never among them (ACC-10). */
function columnsOf(sub: string, { agent, delegate, resource }: TakenBack): RowsOfUser {
  return {
    user_sub: sub,
    ...(agent === undefined ? {} : { agent }),
    ...(delegate === undefined ? {} : { agent_delegate: delegate }),
    ...(resource === undefined ? {} : { resource }),
  }
}

async function takeBack(
  tx: Transaction<Tables>,
  sub: string,
  { what, issuer, now }: { readonly what: TakenBack; readonly issuer: string; readonly now: () => number },
): Promise<number> {
  const columns = columnsOf(sub, what)
  const ended = what.scope === undefined ? await deleteGrants(tx, columns) : await narrowGrants(tx, columns, what.scope)
  const exchanged = await endExchanged(tx, columns)
  const approvals = await endApprovalsOf(tx, columns, { now: now() })
  await forgetAnswers(tx, columns, what.scope)
  await forgetBegun(tx, sub, beginningsOf(ended, issuer))
  await writeNotices(tx, [...ended, ...exchanged, ...approvals], { by: 'urgent', issuer, now: now() })
  return ended.length + exchanged.length + approvals.length
}

/**
 * Takes one scope out of grants. What is left continues under a new name, since tokens of the old one still hold the scope. A grant that
 * would be left with nothing to do ends, and so does one that allows a number of calls in all.
 */
async function narrowGrants(tx: Transaction<Tables>, columns: RowsOfUser, scope: string): Promise<GrantRow[]> {
  const rows = await tx
    .selectFrom('auth_server_grants')
    .selectAll()
    .where(({ and }) => and({ ...columns }))
    .execute()
  const holding = rows.filter(row => parseScope(row.scope).includes(scope))
  for (const row of holding) {
    const left = parseScope(row.scope).filter(name => name !== scope)
    if (resourceScopes(left).length === 0) await deleteGrants(tx, { refresh_hash: row.refresh_hash })
    else await goOn(tx, row, { scope: serializeScope(left) })
  }
  return holding
}

/** What is remembered, and codes that wait for their agent: each would open a new grant (ACC-09). */
async function forgetAnswers(tx: Transaction<Tables>, columns: RowsOfUser, scope: string | undefined): Promise<void> {
  const consents = tx.deleteFrom('auth_server_consents').where(({ and }) => and({ ...columns }))
  await (scope === undefined ? consents : consents.where('scope', '=', scope)).execute()
  await dropWaitingCodes(tx, columns)
}

function beginningsOf(ended: readonly GrantRow[], iss: string): string[] {
  const names = ended.map(({ agent, agent_delegate: delegate, resource }) =>
    beginningName({ iss, agent, delegate, resource }),
  )
  return [...new Set(names)]
}
