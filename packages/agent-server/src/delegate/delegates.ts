import { checkOptions } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { type Admission, refusedEnrollment } from '../enrollment/enrollment.js'
import type { Tables } from '../tables.js'
import { refusedKey } from './delegate-key.js'

/** What an operator sees of a delegate. Times are Unix seconds. */
export interface Delegate {
  readonly sub: string
  /** Thumbprint of its current key. */
  readonly jkt: string
  /** What it last enrolled by, e.g. `code:lab`, `oidc:ci`, `session:alice`. */
  readonly enrollment: string
  readonly created: number
  /** Last enrolment or renewal. */
  readonly last_seen: number
  /** What its operator called it in the invitation it last enrolled by. */
  readonly label?: string
  /** Set when it was revoked. */
  readonly revoked?: number
}

/** Which delegates to list. */
export interface DelegatesPage {
  /** The `sub` the page before ended with. */
  readonly after?: string
  /** How many at most, 1 to 1000. Default 100. */
  readonly limit?: number
  /** Only those that came by it. */
  readonly enrollment?: string
}

/** `used`: the key is no fresh one; `replacedOf` names the delegate that gave it up, if it did. */
export type EnrollmentOutcome =
  | { readonly outcome: 'enrolled' }
  | { readonly outcome: 'used'; readonly replacedOf: string | undefined }

/** The delegates of one agent server, as its database keeps them. */
export interface Delegates {
  /** Makes `jkt` the current key of the delegate that was admitted, unless it is or was a delegate's. */
  enroll(admission: Admission, jkt: string): Promise<EnrollmentOutcome>
  /** Notes that the delegate was here; refuses when `jkt` is not its current key. */
  renew(sub: string, jkt: string): Promise<void>
  revoke(sub: string): Promise<boolean>
  revokeEnrollment(enrollment: string): Promise<number>
  reinstate(sub: string): Promise<boolean>
  forget(unseenFor: number): Promise<number>
  list(page: DelegatesPage): Promise<Delegate[]>
}

/** Queries over the tables; every rule that two requests could race for is one conditional statement. */
export function delegatesIn(store: Store<Tables>, now: () => number): Delegates {
  return {
    async enroll(admission, jkt) {
      try {
        await store.write(tx => enroll(tx, { admission, jkt, now: now() }))
        return { outcome: 'enrolled' }
      } catch (thrown) {
        if (thrown instanceof UsedKey) return { outcome: 'used', replacedOf: thrown.replacedOf }
        throw thrown
      }
    },

    async renew(sub, jkt) {
      if ((await store.write(tx => seen(tx, { sub, jkt, now: now() }))) === 0n) throw refusedKey()
    },

    revoke: async sub => (await store.write(tx => revoke(tx, { subs: [sub], now: now() }))) > 0,

    revokeEnrollment: enrollment => revokeEnrollment(store, enrollment, now),

    forget: unseenFor => forget(store, now() - unseenFor),

    reinstate: sub => store.write(tx => reinstate(tx, sub)),

    async list(page) {
      checkOptions('list', page, { after: 'string', limit: 'number', enrollment: 'string' })
      const { after = '', limit = 100, enrollment } = page
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
        throw new RangeError('limit must be a whole number from 1 to 1000')
      const all = store.db.selectFrom('agent_server_delegates').selectAll()
      const some = enrollment === undefined ? all : all.where('enrollment', '=', enrollment)
      const rows = await some.where('sub', '>', after).orderBy('sub').limit(limit).execute()
      return rows.map(({ sub, jkt, enrollment: by, created, last_seen, revoked, label }) => ({
        ...{ sub, jkt, enrollment: by, created, last_seen },
        ...(label === null ? {} : { label }),
        ...(revoked === null ? {} : { revoked }),
      }))
    },
  }
}

/** Thrown inside the transaction, so that what the enrolment used up is not. */
class UsedKey extends Error {
  readonly replacedOf: string | undefined
  constructor(replacedOf: string | undefined) {
    super('the key is or was the key of a delegate')
    this.replacedOf = replacedOf
  }
}

type Transaction = Store<Tables>['db']

async function seen(
  tx: Transaction,
  { sub, jkt, now }: { readonly sub: string; readonly jkt: string; readonly now: number },
): Promise<bigint> {
  const { numUpdatedRows } = await tx
    .updateTable('agent_server_delegates')
    .set({ last_seen: now })
    .where('sub', '=', sub)
    .where('jkt', '=', jkt)
    .where('revoked', 'is', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows
}

async function enroll(
  tx: Transaction,
  { admission, jkt, now }: { admission: Admission; jkt: string; now: number },
): Promise<void> {
  const { sub, enrollment, label, reinstates = false } = admission
  await admission.take?.(tx)
  await checkFreshKey(tx, sub, jkt)
  // The key of before is gone with all it could still do: an enrolment may be the answer to its theft.
  const state = {
    ...{ jkt, enrollment, last_seen: now, revoked: null, rotated: null },
    ...(label === undefined ? {} : { label }),
  }
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('agent_server_delegates')
    .values({ sub, created: now, previous_jkt: null, ...state })
    .onConflict(conflict => {
      const renewed = conflict.column('sub').doUpdateSet(eb => ({
        ...state,
        // Known, so that it is told when it is used again; the one before stays known when none is ended.
        previous_jkt: eb
          .case()
          .when('agent_server_delegates.jkt', 'in', ['', jkt])
          .then(eb.ref('agent_server_delegates.previous_jkt'))
          .else(eb.ref('agent_server_delegates.jkt'))
          .end(),
      }))
      // A token or a session outlives a revocation: were it enough, whoever was put out would walk back in.
      return reinstates ? renewed : renewed.where('agent_server_delegates.revoked', 'is', null)
    })
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 0n) throw refusedEnrollment('the delegate was revoked; an operator may reinstate it')
}

/**
 * A key stands for one delegate, and one that was given up for none: what is done against its thief would not reach the other
 * name. The same delegate may come again with the key that it has, when the answer was lost.
 */
async function checkFreshKey(tx: Transaction, sub: string, jkt: string): Promise<void> {
  const known = await tx
    .selectFrom('agent_server_delegates')
    .select(['sub', 'jkt', 'previous_jkt', 'revoked'])
    .where(({ or, eb }) => or([eb('jkt', '=', jkt), eb('previous_jkt', '=', jkt)]))
    .limit(2)
    .execute()
  if (known.every(row => row.sub === sub && row.jkt === jkt && row.revoked === null)) return
  throw new UsedKey(known.find(row => row.previous_jkt === jkt && row.revoked === null)?.sub)
}

/** How many delegates one transaction revokes or forgets: a million at once would outlast its deadline, and stop all other writes before. */
const atOnce = 500

async function revokeEnrollment(store: Store<Tables>, enrollment: string, now: () => number): Promise<number> {
  await store.write(tx =>
    tx
      .deleteFrom('agent_server_enrollment_codes')
      .where('enrollment', '=', enrollment)
      .where('used', 'is', null)
      .execute(),
  )
  const those = store.db.selectFrom('agent_server_delegates').select('sub').where('enrollment', '=', enrollment)
  return byParts(
    after => those.where('revoked', 'is', null).where('sub', '>', after).orderBy('sub').limit(atOnce).execute(),
    subs => store.write(tx => revoke(tx, { subs, enrollment, now: now() })),
  )
}

/** Changes delegates part after part, in order of `sub`; answers how many. */
async function byParts(
  part: (after: string) => Promise<ReadonlyArray<{ readonly sub: string }>>,
  change: (subs: readonly string[]) => Promise<number>,
): Promise<number> {
  let changed = 0
  for (let after = ''; ; ) {
    const subs = (await part(after)).map(({ sub }) => sub)
    const last = subs.at(-1)
    if (last === undefined) return changed
    changed += await change(subs)
    after = last
  }
}

async function forget(store: Store<Tables>, before: number): Promise<number> {
  const those = store.db.selectFrom('agent_server_delegates').select('sub').where('last_seen', '<', before)
  return byParts(
    after => those.where('revoked', 'is', null).where('sub', '>', after).orderBy('sub').limit(atOnce).execute(),
    async subs => {
      const { numDeletedRows } = await store.write(tx =>
        tx
          .deleteFrom('agent_server_delegates')
          .where('sub', 'in', subs)
          // Asked again: one of them may have been here meanwhile. Revoked ones stay, or they could enrol again.
          .where('last_seen', '<', before)
          .where('revoked', 'is', null)
          .executeTakeFirstOrThrow(),
      )
      return Number(numDeletedRows)
    },
  )
}

async function revoke(
  tx: Transaction,
  { subs, enrollment, now }: { subs: readonly string[]; enrollment?: string; now: number },
): Promise<number> {
  // A code that was handed out earlier would let the revoked device straight back in.
  await tx.deleteFrom('agent_server_enrollment_codes').where('sub', 'in', subs).where('used', 'is', null).execute()
  const named = tx
    .updateTable('agent_server_delegates')
    .set({ revoked: now })
    .where('sub', 'in', subs)
    .where('revoked', 'is', null)
  const { numUpdatedRows } = await (enrollment === undefined
    ? named
    : named.where('enrollment', '=', enrollment)
  ).executeTakeFirstOrThrow()
  return Number(numUpdatedRows)
}

async function reinstate(tx: Transaction, sub: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('agent_server_delegates')
    // Not its old key: that may be what it was revoked for.
    .set(eb => ({
      revoked: null,
      jkt: '',
      previous_jkt: eb.case().when('jkt', '=', '').then(eb.ref('previous_jkt')).else(eb.ref('jkt')).end(),
      rotated: null,
    }))
    .where('sub', '=', sub)
    .where('revoked', 'is not', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}
