import { checkOptions } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Delegation } from '../delegation/delegation.js'
import type { DelegateRow, Tables } from '../tables.js'

/** A delegate, as the operator sees it. Times are Unix seconds. */
export interface Delegate {
  readonly sub: string
  /** Thumbprint of its current key. */
  readonly jkt: string
  /** How it last enrolled, e.g. `code:lab`, `oidc:ci`, `session:alice`. */
  readonly enrollment: string
  readonly created: number
  /** Last enrolment or renewal. */
  readonly last_seen: number
  /** The label of the invitation by which it last enrolled. */
  readonly label?: string
  /** When it was revoked; absent while it is not. */
  readonly revoked?: number
  /** What it may be used for, and where; absent where it has no conditions. */
  readonly delegation?: Delegation
}

/** Which delegates to list. */
export interface DelegatesPage {
  /** The last `sub` of the page before. */
  readonly after?: string
  /** How many at most, 1 to 1000. Default 100. */
  readonly limit?: number
  /** Only delegates of this enrolment. */
  readonly enrollment?: string
  /** The `sub`, or the beginning of the label, in any case. Default: all delegates. */
  readonly search?: string
}

/** An enrolment by which delegates came, or may come. */
export interface EnrollmentCount {
  /** Its name, e.g. `code:lab`; empty for delegates of versions that did not record it. */
  readonly enrollment: string
  /** Delegates that last enrolled by it. At most 1000 are counted. */
  readonly delegates: number
  /** Those of them that are revoked. */
  readonly revoked: number
  /** Its codes that are neither used nor expired. At most 1000 are counted. */
  readonly codes: number
}

/** Which enrolments to list. */
export interface EnrollmentsPage {
  /** The last `enrollment` of the page before. */
  readonly after?: string
  /** How many at most, 1 to 1000. Default 100. */
  readonly limit?: number
}

/** Rows that one statement of a search reads. */
const chunk = 1000
/** Rows that are counted. */
const mostCounted = 1000

type Database = Store<Tables>['db']

/** Delegates in order of `sub`. @throws RangeError when `limit` is not 1 to 1000 */
export async function listDelegates(db: Database, page: DelegatesPage): Promise<Delegate[]> {
  checkOptions('list', page, { after: 'string', limit: 'number', enrollment: 'string', search: 'string' })
  const { after: start = '', limit = 100, search = '', enrollment } = page
  checkLimit(limit)
  const fits = searchOf(search)
  // bound: one call: fewer rows than limit, and a chunk of 1000
  const found: DelegateRow[] = []
  for (let after = start; ; ) {
    const most = search === '' ? limit : chunk
    const rows = await delegatesAfter(db, { after, enrollment, search, limit: most })
    found.push(...rows.filter(fits))
    const last = rows.at(-1)
    if (last === undefined || rows.length < most || found.length >= limit) return found.slice(0, limit).map(delegateOf)
    after = last.sub
  }
}

/** A delegate; undefined where there is none. */
export async function showDelegate(db: Database, sub: string): Promise<Delegate | undefined> {
  const row = await db.selectFrom('agent_server_delegates').selectAll().where('sub', '=', sub).executeTakeFirst()
  return row && delegateOf(row)
}

/** Enrolments by name. From one to the next by an index: one of them may have a million delegates, which are not read. */
export async function listEnrollments(db: Database, page: EnrollmentsPage, now: number): Promise<EnrollmentCount[]> {
  checkOptions('enrollments', page, { after: 'string', limit: 'number' })
  const { after, limit = 100 } = page
  checkLimit(limit)
  // bound: one call: limit, at most 1000
  const found: EnrollmentCount[] = []
  for (let last = after; found.length < limit; ) {
    const next = await enrollmentAfter(db, last)
    if (next === undefined) break
    found.push(await countOf(db, next, now))
    last = next
  }
  return found
}

/** An enrolment; undefined where it has neither delegates nor codes. */
export async function showEnrollment(db: Database, name: string, now: number): Promise<EnrollmentCount | undefined> {
  const count = await countOf(db, name, now)
  return count.delegates + count.codes === 0 ? undefined : count
}

function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new RangeError('limit must be a whole number from 1 to 1000')
}

function delegatesAfter(
  db: Database,
  o: {
    readonly after: string
    readonly enrollment: string | undefined
    readonly search: string
    readonly limit: number
  },
): Promise<DelegateRow[]> {
  const all = db.selectFrom('agent_server_delegates').selectAll()
  const some = o.enrollment === undefined ? all : all.where('enrollment', '=', o.enrollment)
  const named =
    o.search === ''
      ? some
      : some.where(({ or, eb, fn }) =>
          or([eb('sub', '=', o.search), eb(fn<string>('lower', ['label']), 'like', patternOf(o.search))]),
        )
  return named.where('sub', '>', o.after).orderBy('sub').limit(o.limit).execute()
}

/** Databases fold the case of few letters, so other characters match any: what is found is compared again. */
function patternOf(search: string): string {
  return `${search.toLowerCase().replaceAll(/[^a-z0-9 @.+-]/g, '%')}%`
}

function searchOf(search: string): (row: DelegateRow) => boolean {
  const beginning = search.toLowerCase()
  return ({ sub, label }) => search === '' || sub === search || (label ?? '').toLowerCase().startsWith(beginning)
}

async function enrollmentAfter(db: Database, after: string | undefined): Promise<string | undefined> {
  const tables = ['agent_server_delegates', 'agent_server_enrollment_codes'] as const
  const firsts = await Promise.all(
    tables.map(table => {
      const all = db.selectFrom(table).select('enrollment').orderBy('enrollment').limit(1)
      return (after === undefined ? all : all.where('enrollment', '>', after)).executeTakeFirst()
    }),
  )
  return firsts
    .flatMap(first => (first === undefined ? [] : [first.enrollment]))
    .sort((one, other) => (one < other ? -1 : 1))[0]
}

async function countOf(db: Database, enrollment: string, now: number): Promise<EnrollmentCount> {
  const [delegates, codes] = await Promise.all([
    db
      .selectFrom('agent_server_delegates')
      .select('revoked')
      .where('enrollment', '=', enrollment)
      .limit(mostCounted)
      .execute(),
    db
      .selectFrom('agent_server_enrollment_codes')
      .select('hash')
      .where('enrollment', '=', enrollment)
      .where('used', 'is', null)
      .where('expires', '>', now)
      .limit(mostCounted)
      .execute(),
  ])
  const revoked = delegates.filter(row => row.revoked !== null).length
  return { enrollment, delegates: delegates.length, revoked, codes: codes.length }
}

function delegateOf({ sub, jkt, enrollment, created, last_seen, revoked, label, delegation }: DelegateRow): Delegate {
  return {
    sub,
    jkt,
    enrollment,
    created,
    last_seen,
    ...(label === null ? {} : { label }),
    ...(revoked === null ? {} : { revoked }),
    ...(delegation === null ? {} : { delegation: JSON.parse(delegation) as Delegation }),
  }
}
