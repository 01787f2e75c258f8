import { AAuthError } from '@countersign/protocol'
import { enrollmentCodeHash } from './code.js'
import type { Admission, Enrollment, EnrollmentContext } from './enrollment.js'
import { refusedEnrollment } from './enrollment.js'

/** A code is 32 characters; whatever is far longer was never one. */
const longestCode = 256

/**
 * Enrolment by the single-use codes that {@link AgentServer.invite} makes: `{"type":"code","code":"…"}`.
 * Each is bound to a `sub`, ends, and works once.
 * @see protocol §5 "Enrolment"
 */
export function codes(): Enrollment {
  return {
    type: 'code',
    open: context => request => {
      const { code } = request.members
      if (typeof code !== 'string' || code.length === 0 || code.length > longestCode)
        throw new AAuthError('invalid_request', 'enrollment.code must be the enrolment code, a string')
      return admissionOf(enrollmentCodeHash(code), context)
    },
  }
}

async function admissionOf(hash: string, { store, now }: EnrollmentContext): Promise<Admission> {
  // Used ones are found too: the second copy of a request is told that it is a replay.
  const row = await store.db
    .selectFrom('agent_server_enrollment_codes')
    .select(['sub', 'enrollment', 'label'])
    .where('hash', '=', hash)
    .where('expires', '>', now())
    .executeTakeFirst()
  if (row === undefined) throw refusedCode()
  return {
    sub: row.sub,
    enrollment: row.enrollment,
    ...(row.label === null ? {} : { label: row.label }),
    reinstates: true,
    async take(tx) {
      // One statement takes the code: of fifty that hold it, one finds it unused. One that was revoked meanwhile is gone.
      const { numUpdatedRows } = await tx
        .updateTable('agent_server_enrollment_codes')
        .set({ used: now() })
        .where('hash', '=', hash)
        .where('used', 'is', null)
        .where('expires', '>', now())
        .executeTakeFirstOrThrow()
      if (numUpdatedRows === 0n) throw refusedCode()
    },
  }
}

/** Unknown, used and ended codes are told alike: a guess learns nothing. */
function refusedCode(): AAuthError {
  return refusedEnrollment('the enrolment code is unknown, used or expired')
}
