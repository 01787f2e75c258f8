import type { GrantRow, RowsNamed } from '@countersign/auth-server/internal'
import {
  conditionsIn,
  endAccess,
  endOne,
  findGrant,
  grantFacts,
  grantOf as grantIn,
  principalIn,
  purposesIn,
  refreshTokenLifetime,
} from '@countersign/auth-server/internal'
import type { Conditions } from '@countersign/conditions'
import { parseScope } from '@countersign/protocol'
import { checkOptions, restriction } from '@countersign/protocol/internal'
import type { OperatorContext } from './operator-context.js'
import { type OperatorPage, type PageOptions, pageIn, pageOf } from './page.js'

/** Which grants: those that all members fit. */
export interface GrantFilter {
  readonly agent?: string
  /** A delegate of `agent`, which must be there; empty for the agent itself. */
  readonly delegate?: string
  /** `sub`. */
  readonly user?: string
  readonly resource?: string
}

/** Which grants to list. */
export interface GrantListOptions extends GrantFilter, PageOptions {}

/** A grant, as an operator sees it. Times are Unix seconds. */
export interface OperatorGrant {
  /** Names the grant, as in events and tokens. */
  readonly grant: string
  readonly agent: string
  readonly delegate?: string
  readonly resource: string
  readonly scope: readonly string[]
  /** `sub` of the user who allowed it; absent for a direct grant. */
  readonly user?: string
  readonly purposes?: readonly string[]
  /** Those that its user chose. */
  readonly conditions?: Conditions
  /** The audit id that its tokens carry. */
  readonly txn?: string
  readonly created: number
  readonly last_used: number
}

/** The grants of an auth server, for its operator. */
export interface OperatorGrants {
  /** Lists live grants. @throws TypeError for an unfit filter; RangeError for an unfit `limit` */
  list(options?: GrantListOptions): Promise<OperatorPage<OperatorGrant>>
  /** A grant by its name; undefined where there is none. */
  show(id: string): Promise<OperatorGrant | undefined>
  /**
   * Ends one grant, or all that fit with what is remembered of them and what waits; the resources are told, as when a user takes access
   * back. A running server on the database delivers the notices. Resolves with how many ended.
   * @throws TypeError for an empty or unfit filter
   */
  revoke(filter: GrantFilter | { readonly grant: string }): Promise<number>
}

const filterChecks = { agent: 'string', delegate: 'string', user: 'string', resource: 'string' } as const

/** A member that is undefined, as a misspelt variable is, would end more than was meant. */
const revokeChecks = {
  grant: restriction('string'),
  agent: restriction('string'),
  delegate: restriction('string'),
  user: restriction('string'),
  resource: restriction('string'),
}

/** Queries over the table. */
export function operatorGrants(context: OperatorContext): OperatorGrants {
  const { store, now, report } = context
  const isLive = ({ last_used }: GrantRow): boolean => last_used + refreshTokenLifetime > now()
  return {
    async list(options = {}) {
      checkOptions('grants.list', options, { ...filterChecks, after: 'string', limit: 'number' }, [])
      const { after, limit } = pageIn(options)
      const rows = await store.db
        .selectFrom('auth_server_grants')
        .selectAll()
        .where(({ and }) => and({ ...columnsOf(options) }))
        .where('last_used', '>', now() - refreshTokenLifetime)
        .where('refresh_hash', '>', after)
        .orderBy('refresh_hash')
        .limit(limit + 1)
        .execute()
      return pageOf(rows, { limit, keyOf: ({ refresh_hash }) => refresh_hash, itemOf: grantOf })
    },

    async show(id) {
      const row = await findGrant(store.db, id)
      return row === undefined || !isLive(row) ? undefined : grantOf(row)
    },

    async revoke(filter) {
      checkOptions('grants.revoke', filter, revokeChecks, [])
      const grants = 'grant' in filter ? await revokeOne(filter, context) : await revokeAll(filter, context)
      if (grants > 0) report.tell({ type: 'ended_by_operator', ...filter, grants })
      return grants
    },
  }
}

function revokeOne(
  { grant, ...others }: { readonly grant: string } & GrantFilter,
  context: OperatorContext,
): Promise<number> {
  if (Object.keys(others).length > 0) throw new TypeError('grants.revoke: grant names one grant: leave out the others')
  return endOne(grant, context, (tx, row) => {
    const facts = grantFacts(principalIn(row), grantIn(row))
    return context.report.record(tx, { type: 'ended_by_operator', ...facts, grants: 1 })
  })
}

/** Recorded before the first grant ends, in parts: how many there are is not known then. */
function revokeAll(filter: GrantFilter, context: OperatorContext): Promise<number> {
  return endAccess(namedColumns(filter), context, tx =>
    context.report.record(tx, { type: 'ended_by_operator', ...filter }),
  )
}

/** An empty filter would end every grant of the server: a variable that was not set must not do that. */
function namedColumns(filter: GrantFilter): RowsNamed {
  const columns = columnsOf(filter)
  if (Object.keys(columns).length === 0)
    throw new TypeError('grants.revoke: name a grant, an agent, a user or a resource')
  return columns
}

function columnsOf({ agent, delegate, user, resource }: GrantFilter): RowsNamed {
  if (delegate !== undefined && agent === undefined)
    throw new TypeError('grants: delegate needs agent: two agents may have delegates of one name')
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(delegate === undefined ? {} : { agent_delegate: delegate }),
    ...(user === undefined ? {} : { user_sub: user }),
    ...(resource === undefined ? {} : { resource }),
  }
}

function grantOf(row: GrantRow): OperatorGrant {
  const { id, agent, agent_delegate, resource, scope, user_sub, txn, created, last_used } = row
  const [purposes, conditions] = [purposesIn(row.purposes), conditionsIn(row.conditions)]
  return {
    grant: id,
    agent,
    ...(agent_delegate === '' ? {} : { delegate: agent_delegate }),
    resource,
    scope: parseScope(scope),
    ...(user_sub === null ? {} : { user: user_sub }),
    ...(purposes === undefined ? {} : { purposes }),
    ...(conditions === undefined ? {} : { conditions }),
    ...(txn === null ? {} : { txn }),
    created,
    last_used,
  }
}
