import { parseScope } from '@countersign/protocol'
import type { Transaction } from '@countersign/store/internal'
import { isOfChain } from '../grant/consents.js'
import { refreshTokenLifetime } from '../grant/refresh-token.js'
import { conditionsIn, purposesIn } from '../mandate/conditions-text.js'
import type { NoticeRow } from '../tables/revocation-tables.js'
import type { Tables } from '../tables/tables.js'
import type { ShownAccess } from './shown-access.js'

/** Rows that are read for the agents of one page. */
const mostRows = 2000
/** Notices that the page shows. */
const mostNotices = 50

/** The agents of a user, the one used last first. */
export async function agentsOf(db: Transaction<Tables>, sub: string, live: number): Promise<string[]> {
  const grants = db
    .selectFrom('auth_server_grants')
    .select(['agent', ({ fn }) => fn.max('last_used').as('used')])
    .where('user_sub', '=', sub)
    .where('last_used', '>', live)
    .groupBy('agent')
  const consents = db
    .selectFrom('auth_server_consents')
    .select(['agent', ({ fn }) => fn.max('last_used').as('used')])
    .where('user_sub', '=', sub)
    .where('last_used', '>', live)
    .groupBy('agent')
  const used = new Map<string, number>()
  for (const row of [...(await grants.execute()), ...(await consents.execute())])
    used.set(row.agent, Math.max(Number(row.used), used.get(row.agent) ?? 0))
  return [...used].toSorted(([, a], [, b]) => b - a).map(([agent]) => agent)
}

/** A grant or a remembered consent: an agent may come back for what is remembered without asking. */
interface AccessRow {
  readonly agent: string
  readonly agent_delegate: string
  readonly resource: string
  readonly scope: string
  readonly words: Readonly<Record<string, string>>
  readonly created: number
  readonly last_used: number
  readonly chain: string
  readonly hops: string | null
  readonly purposes: string | null
  readonly conditions: string | null
}

export async function accessOf(
  db: Transaction<Tables>,
  sub: string,
  { agents, live }: { readonly agents: readonly string[]; readonly live: number },
): Promise<ShownAccess[]> {
  const grants = await db
    .selectFrom('auth_server_grants')
    .select(['agent', 'agent_delegate', 'resource', 'scope', 'words', 'created', 'last_used'])
    .select(['purposes', 'conditions'])
    .where('user_sub', '=', sub)
    .where('agent', 'in', [...agents])
    .where('last_used', '>', live)
    .orderBy('last_used', 'desc')
    .limit(mostRows)
    .execute()
  const consents = await db
    .selectFrom('auth_server_consents')
    .select(['agent', 'agent_delegate', 'resource', 'scope', 'words', 'created', 'last_used', 'chain', 'hops'])
    .select(['purposes', 'conditions'])
    .where('user_sub', '=', sub)
    .where('agent', 'in', [...agents])
    .where('last_used', '>', live)
    .orderBy('last_used', 'desc')
    .limit(mostRows)
    .execute()
  const rows: AccessRow[] = [
    ...grants.map(row => ({ ...row, words: wordsIn(row.words), chain: '', hops: null })),
    ...consents.map(row => ({ ...row, words: row.words === null ? {} : { [row.scope]: row.words } })),
  ]
  return together(rows).toSorted((a, b) => agents.indexOf(a.agent) - agents.indexOf(b.agent) || b.lastUsed - a.lastUsed)
}

function wordsIn(json: string | null): Readonly<Record<string, string>> {
  return json === null ? {} : (JSON.parse(json) as Record<string, string>)
}

function hopsIn(json: string | null): readonly string[] {
  return json === null ? [] : (JSON.parse(json) as string[])
}

/** One entry for each agent, delegate, resource and chain. */
function together(rows: readonly AccessRow[]): ShownAccess[] {
  const entries = new Map<string, ShownAccess>()
  for (const row of rows) {
    // What is allowed under other conditions, or for other purposes, is another entry: an entry must not say less than holds.
    const chain = isOfChain(row) ? row.chain : ''
    const { purposes, conditions } = row
    const key = JSON.stringify([row.agent, row.agent_delegate, row.resource, chain, purposes, conditions])
    const known = entries.get(key)
    const lastUsed = Math.max(row.last_used, known?.lastUsed ?? 0)
    entries.set(key, {
      agent: row.agent,
      delegate: row.agent_delegate === '' ? undefined : row.agent_delegate,
      resource: row.resource,
      scope: [...new Set([...(known?.scope ?? []), ...parseScope(row.scope)])],
      words: { ...known?.words, ...row.words },
      since: Math.min(row.created, known?.since ?? row.created),
      lastUsed,
      until: lastUsed + refreshTokenLifetime,
      through: chain === '' ? undefined : hopsIn(row.hops),
      purposes: purposesIn(purposes),
      conditions: conditionsIn(conditions),
    })
  }
  return [...entries.values()]
}

export function noticesOf(db: Transaction<Tables>, sub: string, since: number): Promise<NoticeRow[]> {
  return db
    .selectFrom('auth_server_notices')
    .selectAll()
    .where('user_sub', '=', sub)
    .where('urgency', '=', 0)
    .where('created', '>', since)
    .orderBy('created', 'desc')
    .limit(mostNotices)
    .execute()
}
