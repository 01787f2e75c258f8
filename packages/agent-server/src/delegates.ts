import { randomUUID } from 'node:crypto'
import { AAuthError } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { refusedKey } from './delegate-key.js'
import { enrollmentCodeHash, newEnrollmentCode } from './enrollment-code.js'
import type { Tables } from './tables.js'

/** An invitation to enrol. The code is a secret: it stands nowhere else in readable form. */
export interface Invitation {
  readonly code: string
  /** The `sub` that the delegate will have. */
  readonly sub: string
  /** Unix seconds at which the code ends. */
  readonly expires: number
}

/** What an operator sees of a delegate. Times are Unix seconds. */
export interface Delegate {
  readonly sub: string
  /** Thumbprint of its current key. */
  readonly jkt: string
  readonly created: number
  /** Last enrolment or renewal. */
  readonly last_seen: number
  /** Set when it was revoked. */
  readonly revoked?: number
}

/** The delegates of one agent server, as its database keeps them. */
export interface Delegates {
  invite(sub: string | undefined, expiresIn: number): Promise<Invitation>
  /** Whether a code was handed out and has not ended, used or not. */
  knows(code: string): Promise<boolean>
  /** Takes the code and makes `jkt` the delegate's current key; answers its `sub`. */
  enroll(code: string, jkt: string): Promise<string>
  /** Notes that the delegate was here; refuses when `jkt` is not its current key. */
  renew(sub: string, jkt: string): Promise<void>
  revoke(sub: string): Promise<boolean>
  list(page: { readonly after?: string; readonly limit: number }): Promise<Delegate[]>
}

/** Queries over the tables; every rule that two requests could race for is one conditional statement. */
export function delegatesIn(store: Store<Tables>, now: () => number): Delegates {
  return {
    async invite(sub = randomUUID(), expiresIn) {
      const code = newEnrollmentCode()
      const expires = now() + expiresIn
      await store.write(async tx => {
        // Only an operator's invitation adds codes, so that is the moment to drop the ended ones.
        await tx.deleteFrom('agent_server_enrollment_codes').where('expires', '<=', now()).execute()
        await tx
          .insertInto('agent_server_enrollment_codes')
          .values({ hash: enrollmentCodeHash(code), sub, expires, used: null })
          .execute()
      })
      return { code, sub, expires }
    },

    async knows(code) {
      const query = store.db
        .selectFrom('agent_server_enrollment_codes')
        .select('sub')
        .where('hash', '=', enrollmentCodeHash(code))
        .where('expires', '>', now())
      return (await query.executeTakeFirst()) !== undefined
    },

    enroll: (code, jkt) => store.write(tx => enroll(tx, { code, jkt, now: now() })),

    async renew(sub, jkt) {
      const { numUpdatedRows } = await store.write(tx =>
        tx
          .updateTable('agent_server_delegates')
          .set({ last_seen: now() })
          .where('sub', '=', sub)
          .where('jkt', '=', jkt)
          .where('revoked', 'is', null)
          .executeTakeFirstOrThrow(),
      )
      if (numUpdatedRows === 0n) throw refusedKey()
    },

    revoke: sub => store.write(tx => revoke(tx, sub, now())),

    async list({ after = '', limit }) {
      const query = store.db
        .selectFrom('agent_server_delegates')
        .select(['sub', 'jkt', 'created', 'last_seen', 'revoked'])
        .where('sub', '>', after)
        .orderBy('sub')
        .limit(limit)
      const rows = await query.execute()
      return rows.map(({ revoked, ...row }) => (revoked === null ? row : { ...row, revoked }))
    },
  }
}

type Transaction = Store<Tables>['db']

async function enroll(tx: Transaction, enrollment: { code: string; jkt: string; now: number }): Promise<string> {
  const { code, jkt, now } = enrollment
  // One statement takes the code: of fifty that hold it, one finds it unused.
  const taken = await tx
    .updateTable('agent_server_enrollment_codes')
    .set({ used: now })
    .where('hash', '=', enrollmentCodeHash(code))
    .where('used', 'is', null)
    .where('expires', '>', now)
    .returning('sub')
    .executeTakeFirst()
  if (taken === undefined) throw refusedCode()
  await tx
    .insertInto('agent_server_delegates')
    .values({ sub: taken.sub, jkt, created: now, last_seen: now, revoked: null, previous_jkt: null, rotated: null })
    // The key of before is gone with all it could still do: an enrolment may be the answer to its theft.
    .onConflict(conflict =>
      conflict.column('sub').doUpdateSet({ jkt, last_seen: now, revoked: null, previous_jkt: null, rotated: null }),
    )
    .execute()
  return taken.sub
}

async function revoke(tx: Transaction, sub: string, now: number): Promise<boolean> {
  // A code that was handed out earlier would let the revoked device straight back in.
  await tx.deleteFrom('agent_server_enrollment_codes').where('sub', '=', sub).where('used', 'is', null).execute()
  const { numUpdatedRows } = await tx
    .updateTable('agent_server_delegates')
    .set({ revoked: now })
    .where('sub', '=', sub)
    .where('revoked', 'is', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** Unknown, used and ended codes are told alike: a guess learns nothing. */
export function refusedCode(): AAuthError {
  return new AAuthError('invalid_grant', 'the enrolment code is unknown, used or expired')
}
