import { randomUUID } from 'node:crypto'
import { shareSite } from '@countersign/discovery/internal'
import { clockTolerance, schemeOf } from '@countersign/protocol/internal'
import type { Transaction } from '@countersign/store/internal'
import { sweepAtMost } from '../bound/sweep.js'
import type { ExchangedRow, NoticeRow } from '../tables/revocation-tables.js'
import type { Tables } from '../tables/tables.js'
import { endApprovals } from './end-approvals.js'

/** Seconds after which the last token of a grant has expired: the longest an auth token may live. */
export const longestTokenLife = 3600
/** Notices that one agent causes in so many seconds. */
const mostOfAgent = 10
const agentWindow = 60
/** Rows that one statement inserts. */
const batch = 200
/** Seconds for which the outcome of a notice is kept, for those who look. */
const keptFor = 7 * 86_400

/** A grant that has ended. */
export interface EndedGrant {
  readonly id: string
  readonly resource: string
  readonly agent: string
  readonly agent_delegate: string
  readonly user_sub: string | null
}

/** Who ended a grant: a user, an operator or an alarm (`urgent`), or its own agent. */
export type EndedBy = 'urgent' | 'agent'

/** How grants end. */
export interface GrantEnd {
  readonly by: EndedBy
  /** The auth server that gave them. */
  readonly issuer: string
  /**
   * Read after the grants were ended in this transaction: until then another instance may still see them alive, and issue tokens that
   * the notice must outlive (REV-14).
   */
  readonly now: number
}

/**
 * Writes the notices for grants that end in this transaction: for their resources, for those that got tokens by exchange, and for
 * approvals of single calls under any of them, which end with them.
 * @see protocol §6.6
 */
// unchecked options ended: only the desk, the console and tests call it, and TypeScript checks them
export async function writeNotices(tx: Transaction<Tables>, ended: readonly EndedGrant[], o: GrantEnd): Promise<void> {
  if (ended.length === 0) return
  const grants = (await endAll(tx, ended, o)).map(grantColumns)
  const dues = o.by === 'urgent' ? undefined : await agentDues(tx, ended, o.now)
  const exp = Math.ceil(o.now) + longestTokenLife
  const rows = grants.flatMap((grant): NoticeRow[] => {
    const due = dues === undefined ? o.now : dues()
    // By then its tokens have expired: an agent that gives back without end must not fill the sets of resources.
    if (due >= exp) return []
    const urgency = o.by === 'urgent' ? 0 : 1
    const waiting = { failures: 0, status: null, outcome: 'waiting', ended: null } as const
    return [{ id: randomUUID(), ...grant, exp, urgency, created: o.now, due, ...waiting }]
  })
  for (let at = 0; at < rows.length; at += batch)
    await tx
      .insertInto('auth_server_notices')
      .values(rows.slice(at, at + batch))
      .execute()
}

/** These, and all that came of them: exchanges, approvals under any of both, and what came of those in turn. */
async function endAll(tx: Transaction<Tables>, ended: readonly EndedGrant[], o: GrantEnd): Promise<EndedGrant[]> {
  if (ended.length === 0) return []
  const exchanged = await takeExchanged(tx, ended, o)
  const all = [...ended, ...exchanged.map(({ name, ...grant }) => ({ ...grant, id: name }))]
  return [...all, ...(await endAll(tx, await endApprovals(tx, all, o.now), o))]
}

function grantColumns({
  id,
  resource,
  agent,
  agent_delegate,
  user_sub,
}: EndedGrant): Omit<EndedGrant, 'id'> & Pick<NoticeRow, 'grant_name' | 'site'> {
  return { grant_name: id, resource, site: siteOfResource(resource), agent, agent_delegate, user_sub }
}

/** A subdomain costs nothing, so resources share by site. Those of development mode are all on one machine. */
function siteOfResource(resource: string): string {
  return schemeOf(resource) === 'http' ? resource : shareSite(resource)
}

/** The grants that came of ended ones by exchange, and of those in turn; they end, too. */
async function takeExchanged(
  tx: Transaction<Tables>,
  ended: readonly EndedGrant[],
  { issuer, now }: Pick<GrantEnd, 'issuer' | 'now'>,
): Promise<ExchangedRow[]> {
  // bound: one call: grants by exchange of those that end
  const taken: ExchangedRow[] = []
  // bound: one call: grants by exchange of those that end
  const names = ended.map(({ id }) => id)
  // Names are added while it runs: what came of a row that was taken ends, too.
  for (let done = 0; done < names.length; ) {
    const some = names.slice(done, done + batch)
    done += some.length
    const upstreams = some.map(name => upstreamName(issuer, name))
    const rows = await tx
      .deleteFrom('auth_server_exchanged')
      .where(({ or, eb }) => or([eb('root', 'in', some), eb('upstream', 'in', upstreams)]))
      .returningAll()
      .execute()
    taken.push(...rows)
    names.push(...rows.map(({ name }) => name))
  }
  // One that has ended by this clock may live by that of another instance (F-83).
  return taken.filter(({ exp }) => exp > now - clockTolerance)
}

/** How rows of exchanged grants name the grant of an upstream token. */
export function upstreamName(issuer: string, grant: string): string {
  return `${issuer} ${grant}`
}

/** When the next notices of an agent are due: an agent causes at most 10 a minute, so that those of users go first (REV-22). */
async function agentDues(tx: Transaction<Tables>, ended: readonly EndedGrant[], now: number): Promise<() => number> {
  const agent = ended[0]?.agent ?? ''
  const rows = await tx
    .selectFrom('auth_server_notices')
    .select('due')
    .where('agent', '=', agent)
    .where('urgency', '=', 1)
    .orderBy('due', 'desc')
    .limit(mostOfAgent)
    .execute()
  // The latest ten, oldest first.
  // bound: one call
  const latest = rows.map(({ due }) => due).reverse()
  return () => {
    const tenth = latest.length < mostOfAgent ? undefined : latest.shift()
    const due = Math.max(now, tenth === undefined ? now : tenth + agentWindow)
    latest.push(due)
    return due
  }
}

/** Deletes notices that nobody needs any more, a few at a time; resolves with how many. */
export async function sweepNotices(tx: Transaction<Tables>, now: number): Promise<number> {
  const old = tx
    .selectFrom('auth_server_notices')
    .select('id')
    .where('exp', '<=', now - keptFor)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx.deleteFrom('auth_server_notices').where('id', 'in', old).executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/** Deletes exchanged grants whose last token has expired, a few at a time; resolves with how many. */
export async function sweepExchanged(tx: Transaction<Tables>, now: number): Promise<number> {
  const old = tx
    .selectFrom('auth_server_exchanged')
    .select('name')
    .where('exp', '<=', now - clockTolerance)
    .limit(sweepAtMost)
  const { numDeletedRows } = await tx
    .deleteFrom('auth_server_exchanged')
    .where('name', 'in', old)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
