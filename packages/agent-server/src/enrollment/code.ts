import { createHash, randomBytes } from 'node:crypto'

/** A code for one enrolment: 192 random bits, base64url. It is handed out once and stored only as a hash. */
export function newEnrollmentCode(): string {
  return randomBytes(24).toString('base64url')
}

/** What is stored of a code: a copied database must not enrol anyone. */
export function enrollmentCodeHash(code: string): string {
  return createHash('sha256').update(code).digest('base64url')
}
