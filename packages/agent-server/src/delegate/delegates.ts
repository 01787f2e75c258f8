import type { Also } from '@countersign/audit/internal'
import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import type { Transaction } from '@countersign/store/internal'
import { type Delegation, delegationOf, delegationText } from '../delegation/delegation.js'
import type { Admission } from '../enrollment/enrollment.js'
import type { DelegateRow, Tables } from '../tables.js'
import { keyRefusal } from './delegate-key.js'
import {
  type Delegate,
  type DelegatesPage,
  type EnrollmentCount,
  type EnrollmentsPage,
  listDelegates,
  listEnrollments,
  showDelegate,
  showEnrollment,
} from './delegate-list.js'
import { atOnce, changeInParts } from './in-parts.js'

/** `used`: the key is or was a delegate's; `replacedOf` names the delegate that replaced it, if any. */
export type EnrollmentOutcome =
  | { readonly outcome: 'enrolled' }
  | { readonly outcome: 'used'; readonly replacedOf: string | undefined }

/** The delegates of one agent server. */
export interface Delegates {
  /** Makes `jkt` the current key of the delegate that was admitted, unless it is or was a delegate's. */
  enroll(admission: Admission, jkt: string, also?: Also): Promise<EnrollmentOutcome>
  /** Notes the renewal. @throws AAuthError `invalid_agent_token` when `jkt` is not the current key */
  renew(sub: string, jkt: string): Promise<void>
  /** What the delegate may be used for now. */
  delegation(sub: string): Promise<Delegation | undefined>
  /** What it may be used for once it is enrolled by this admission. */
  delegationAfter(admission: Admission): Promise<Delegation | undefined>
  /** Sets what it may be used for; undefined: no conditions. False when there is no such delegate. */
  setDelegation(sub: string, delegation: Delegation | undefined, also?: Also): Promise<boolean>
  revoke(sub: string, also?: Also): Promise<boolean>
  /** @param also written before the first part */
  revokeEnrollment(enrollment: string, also?: Also): Promise<number>
  reinstate(sub: string, also?: Also): Promise<boolean>
  /** @param also written before the first part */
  forget(unseenFor: number, also?: Also): Promise<number>
  list(page: DelegatesPage): Promise<Delegate[]>
  show(sub: string): Promise<Delegate | undefined>
  enrollments(page: EnrollmentsPage): Promise<EnrollmentCount[]>
  enrollment(name: string): Promise<EnrollmentCount | undefined>
}

/** The delegates in the database. Where two requests could race, one conditional statement decides. */
export function delegatesIn(store: Store<Tables>, now: () => number): Delegates {
  const changing = (also: Also | undefined, change: (tx: Transaction<Tables>) => Promise<boolean>): Promise<boolean> =>
    store.write(async tx => {
      const isChanged = await change(tx)
      if (isChanged) await also?.(tx)
      return isChanged
    })
  return {
    async enroll(admission, jkt, also) {
      try {
        await store.write(async tx => {
          await enroll(tx, { admission, jkt, now: now() })
          await also?.(tx)
        })
        return { outcome: 'enrolled' }
      } catch (thrown) {
        if (thrown instanceof UsedKey) return { outcome: 'used', replacedOf: thrown.replacedOf }
        throw thrown
      }
    },

    async renew(sub, jkt) {
      if ((await store.write(tx => noteSeen(tx, { sub, jkt, now: now() }))) === 0n) throw keyRefusal()
    },

    delegation: async sub => delegationOf((await findDelegation(store.db, sub))?.delegation ?? null),

    delegationAfter: async admission =>
      delegationOf(delegationAfter(admission, await findDelegation(store.db, admission.sub), now()).delegation),

    setDelegation(sub, delegation, also) {
      return changing(also, async tx => {
        const { numUpdatedRows } = await tx
          .updateTable('agent_server_delegates')
          .set({ delegation: delegationText(delegation), delegation_set: now() })
          .where('sub', '=', sub)
          .executeTakeFirstOrThrow()
        return numUpdatedRows > 0n
      })
    },

    revoke: (sub, also) => changing(also, async tx => (await revoke(tx, { subs: [sub], now: now() })) > 0),

    revokeEnrollment: (enrollment, also) => revokeEnrollment(store, enrollment, { now, also }),

    async forget(unseenFor, also) {
      if (also !== undefined) await store.write(tx => also(tx))
      return forget(store, now() - unseenFor)
    },

    reinstate: (sub, also) => changing(also, tx => reinstate(tx, sub)),

    list: page => listDelegates(store.db, page),
    show: sub => showDelegate(store.db, sub),
    enrollments: page => listEnrollments(store.db, page, now()),
    enrollment: name => showEnrollment(store.db, name, now()),
  }
}

type Own = Pick<DelegateRow, 'delegation' | 'delegation_set'>

function findDelegation(tx: Transaction<Tables>, sub: string): Promise<Own | undefined> {
  return tx
    .selectFrom('agent_server_delegates')
    .select(['delegation', 'delegation_set'])
    .where('sub', '=', sub)
    .executeTakeFirst()
}

/**
 * What a delegate may be used for after an enrolment. What the operator set for it stays until the operator sets something else: an
 * enrolment by a rule must not widen it again, nor a new invitation that does not speak of it.
 */
function delegationAfter({ delegation, reinstates }: Admission, before: Own | undefined, now: number): Own {
  const text = delegationText(delegation)
  if (reinstates)
    return text === null && before !== undefined
      ? before
      : { delegation: text, delegation_set: text === null ? null : now }
  return before !== undefined && before.delegation_set !== null ? before : { delegation: text, delegation_set: null }
}

/** Thrown inside the transaction, so that the proof of the enrolment stays unused. */
class UsedKey extends Error {
  readonly replacedOf: string | undefined
  constructor(replacedOf: string | undefined) {
    super('the key is or was the key of a delegate')
    this.replacedOf = replacedOf
  }
}

async function noteSeen(
  tx: Transaction<Tables>,
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
  tx: Transaction<Tables>,
  { admission, jkt, now }: { admission: Admission; jkt: string; now: number },
): Promise<void> {
  const { sub, enrollment, label, reinstates = false } = admission
  await admission.take?.(tx)
  await checkFreshKey(tx, sub, jkt)
  // The earlier key loses all rights at once: an enrolment may be the answer to its theft.
  const own = delegationAfter(admission, await findDelegation(tx, sub), now)
  const state = {
    ...own,
    jkt,
    enrollment,
    last_seen: now,
    revoked: null,
    rotated: null,
    ...(label === undefined ? {} : { label }),
  }
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('agent_server_delegates')
    .values({ sub, created: now, previous_jkt: null, ...state })
    .onConflict(conflict => {
      const renewed = conflict.column('sub').doUpdateSet(eb => ({
        ...state,
        // Kept, so that a use of the replaced key is an alarm. Where no key is replaced, the one before stays.
        previous_jkt: eb
          .case()
          .when('agent_server_delegates.jkt', 'in', ['', jkt])
          .then(eb.ref('agent_server_delegates.previous_jkt'))
          .else(eb.ref('agent_server_delegates.jkt'))
          .end(),
      }))
      // OIDC tokens and sessions outlive a revocation: they must not let a revoked delegate enrol again.
      return reinstates ? renewed : renewed.where('agent_server_delegates.revoked', 'is', null)
    })
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 0n) throw refusal('delegate_revoked')
}

/**
 * A key belongs to one delegate, and a replaced key to none: otherwise a thief of it would stay valid under another name when
 * the delegate is revoked. The same delegate may enrol again with its current key, in case the answer was lost.
 */
async function checkFreshKey(tx: Transaction<Tables>, sub: string, jkt: string): Promise<void> {
  const known = await tx
    .selectFrom('agent_server_delegates')
    .select(['sub', 'jkt', 'previous_jkt', 'revoked'])
    .where(({ or, eb }) => or([eb('jkt', '=', jkt), eb('previous_jkt', '=', jkt)]))
    .limit(2)
    .execute()
  if (known.every(row => row.sub === sub && row.jkt === jkt && row.revoked === null)) return
  throw new UsedKey(known.find(row => row.previous_jkt === jkt && row.revoked === null)?.sub)
}

async function revokeEnrollment(
  store: Store<Tables>,
  enrollment: string,
  { now, also }: { readonly now: () => number; readonly also: Also | undefined },
): Promise<number> {
  await store.write(async tx => {
    await also?.(tx)
    await tx
      .deleteFrom('agent_server_enrollment_codes')
      .where('enrollment', '=', enrollment)
      .where('used', 'is', null)
      .execute()
  })
  const those = store.db.selectFrom('agent_server_delegates').select('sub').where('enrollment', '=', enrollment)
  return changeInParts(
    after => those.where('revoked', 'is', null).where('sub', '>', after).orderBy('sub').limit(atOnce).execute(),
    subs => store.write(tx => revoke(tx, { subs, enrollment, now: now() })),
  )
}

async function forget(store: Store<Tables>, before: number): Promise<number> {
  const those = store.db.selectFrom('agent_server_delegates').select('sub').where('last_seen', '<', before)
  return changeInParts(
    after => those.where('revoked', 'is', null).where('sub', '>', after).orderBy('sub').limit(atOnce).execute(),
    async subs => {
      const { numDeletedRows } = await store.write(tx =>
        tx
          .deleteFrom('agent_server_delegates')
          .where('sub', 'in', subs)
          // Checked again: a delegate may have renewed since. Revoked ones stay, or they could enrol again.
          .where('last_seen', '<', before)
          .where('revoked', 'is', null)
          .executeTakeFirstOrThrow(),
      )
      return Number(numDeletedRows)
    },
  )
}

async function revoke(
  tx: Transaction<Tables>,
  { subs, enrollment, now }: { subs: readonly string[]; enrollment?: string; now: number },
): Promise<number> {
  // With a code from before, the revoked device could enrol at once.
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

async function reinstate(tx: Transaction<Tables>, sub: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('agent_server_delegates')
    // Not with its old key: the theft of that key may be the reason of the revocation.
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
