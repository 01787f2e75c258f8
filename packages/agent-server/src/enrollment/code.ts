import { createHash, randomBytes } from 'node:crypto'

/** Makes a code for one enrolment: 192 random bits, base64url. It is shown once and stored only as a hash. */
export function makeEnrollmentCode(): string {
  return randomBytes(24).toString('base64url')
}

/** The hash of a code, which is stored in its place: a thief of the database must not be able to enrol. */
export function enrollmentCodeHash(code: string): string {
  return createHash('sha256').update(code).digest('base64url')
}
