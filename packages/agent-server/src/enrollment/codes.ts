import type { AAuthError } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { delegationOf } from '../delegation/delegation.js'
import { enrollmentCodeHash } from './code.js'
import type { Admission, Enrollment, EnrollmentContext } from './enrollment.js'

/** A code has 32 characters. */
const longestCode = 256

/**
 * Enrolment by the single-use codes that {@link AgentServer.invite} makes: `{"type":"code","code":"…"}`.
 * Each code is for one `sub`, expires, and works once.
 * @see protocol §5 "Enrolment"
 */
export function codes(): Enrollment {
  return {
    type: 'code',
    open: context => request => {
      const { code } = request.members
      if (typeof code !== 'string' || code.length === 0 || code.length > longestCode)
        throw refusal('enrolment_malformed', { about: 'enrollment.code must be the enrolment code, a string' })
      return findAdmission(enrollmentCodeHash(code), context)
    },
  }
}

async function findAdmission(hash: string, { store, now }: EnrollmentContext): Promise<Admission> {
  // Used codes are found, too, so that a copied request is refused as a replay.
  const row = await store.db
    .selectFrom('agent_server_enrollment_codes')
    .select(['sub', 'enrollment', 'label', 'delegation'])
    .where('hash', '=', hash)
    .where('expires', '>', now())
    .executeTakeFirst()
  if (row === undefined) throw codeRefusal()
  return {
    sub: row.sub,
    enrollment: row.enrollment,
    label: row.label ?? undefined,
    reinstates: true,
    delegation: delegationOf(row.delegation),
    async take(tx) {
      // One statement takes the code, so that of many requests with it one succeeds. A revoked code was deleted.
      const { numUpdatedRows } = await tx
        .updateTable('agent_server_enrollment_codes')
        .set({ used: now() })
        .where('hash', '=', hash)
        .where('used', 'is', null)
        .where('expires', '>', now())
        .executeTakeFirstOrThrow()
      if (numUpdatedRows === 0n) throw codeRefusal()
    },
  }
}

/** One text for every cause: a guess must not learn whether a code exists. */
function codeRefusal(): AAuthError {
  return refusal('enrolment_code_invalid')
}
