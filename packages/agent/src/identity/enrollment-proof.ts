import { textHash } from '@countersign/httpsig/internal'
import { AgentError, refusalOf } from '../error.js'
import {
  checkMembers,
  type Enrollment,
  type EnrollmentMembers,
  type EnrollmentRequest,
  isSecret,
  notSecretError,
} from './enrollment.js'

/** Returns the members of `enrollment`, calling the functions of `enroll`. */
export async function enrollmentMembers(enroll: Enrollment, request: EnrollmentRequest): Promise<EnrollmentMembers> {
  switch (enroll.type) {
    case 'code':
      return { type: 'code', code: enroll.code }
    case 'oidc':
      return { type: 'oidc', token: await oidcToken(enroll.token, request) }
    case 'session':
      return { ...enroll.members, type: 'session' }
    case 'custom': {
      const { enrollment } = enroll
      const members = typeof enrollment === 'function' ? await callEnroll(() => enrollment(request)) : enrollment
      checkMembers(members)
      return members
    }
  }
}

async function oidcToken(
  token: string | undefined | ((request: EnrollmentRequest) => Promise<string>),
  request: EnrollmentRequest,
): Promise<string> {
  const text = typeof token === 'function' ? await callEnroll(() => token(request)) : token
  if (!isSecret(text)) throw notSecretError('token')
  return text
}

/** Calls a function of `enroll`. When it fails, the platform that issues the token counts as unreachable. */
async function callEnroll<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw new AgentError('unreachable', 'the function of `enroll` failed', error)
  }
}

/**
 * Returns the SHA-256 of a single-use code or token, to recognise one that was used; undefined for an enrolment that can be
 * repeated.
 */
export async function enrollmentDigest(enroll: Enrollment): Promise<string | undefined> {
  const once = singleUsePart(enroll)
  if (once === undefined) return undefined
  return textHash(JSON.stringify([enroll.type, once]))
}

function singleUsePart(enroll: Enrollment): unknown {
  if (enroll.type === 'code') return enroll.code
  if (enroll.type === 'oidc') return typeof enroll.token === 'function' ? undefined : enroll.token
  if (enroll.type === 'custom') return typeof enroll.enrollment === 'function' ? undefined : enroll.enrollment
  return undefined
}

const refusedTexts: Readonly<Record<Enrollment['type'], string>> = {
  code: 'enrolment code: it is unknown, used or expired; ask its operator for a new one',
  oidc: 'OIDC token: it must be fresh, unused, and what its rules name',
  session: 'session: sign in at its site, then try again',
  custom: 'enrolment',
}

/** Returns the error for a refused enrolment, which says what to do; any other error unchanged. */
export function refusedEnrollmentError(error: unknown, enroll: Enrollment): unknown {
  const refusal = refusalOf(error)
  if (refusal?.error === 'invalid_grant')
    return new AgentError('denied', `the agent server does not take this ${refusedTexts[enroll.type]}`, refusal)
  // An agent server answers so when it does not know the type (protocol §5).
  if (refusal?.error === 'invalid_request')
    return new AgentError('denied', 'the agent server takes no such enrolment: ask its operator', refusal)
  return error
}

/** The error for a code that was sent before without an answer: the agent server may have accepted it then. */
export function lostEnrollmentError(error: unknown): AgentError {
  return new AgentError(
    'denied',
    'the answer to an earlier enrolment was lost: ask for a new code or token',
    refusalOf(error),
  )
}
