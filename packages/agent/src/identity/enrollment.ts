import { textHash } from '@countersign/httpsig'
import { isObject } from '@countersign/protocol'
import { AgentError, refusalOf } from '../error.js'

/** What an enrolment is for, told to a function that gets the token or the members it needs. */
export interface EnrollmentRequest {
  /** The `aud` an OIDC token should have, where its issuer allows any: the endpoint, `#`, and the thumbprint. */
  readonly audience: string
  /** RFC 7638 thumbprint of the new key. */
  readonly thumbprint: string
  /** The agent server's `delegate_token_endpoint`. */
  readonly endpoint: string
}

/**
 * How a delegate proves to its agent server that it may enrol:
 * `code` a single-use code, handed out by the operator ·
 * `oidc` a token of a workload's platform (Kubernetes, a CI provider, SPIFFE), given as such or got by a function ·
 * `session` the web session of the page it runs in, whose cookies go to the page's own origin only; `members` are added ·
 * `custom` whatever the agent server takes: an object with a `type` of its own, given as such or made by a function.
 * A string or an object enrols once; a function is asked again when the delegate has to enrol again. A code or token that is empty or
 * undefined is none: an enrolled delegate needs none, and one that is not enrolled fails when it must say who it is.
 * @see protocol §5 "Delegates get agent tokens"
 */
export type Enrollment =
  | { readonly type: 'code'; readonly code: string | undefined }
  | { readonly type: 'oidc'; readonly token: string | undefined | ((request: EnrollmentRequest) => Promise<string>) }
  | { readonly type: 'session'; readonly members?: EnrollmentMembers }
  | {
      readonly type: 'custom'
      readonly enrollment: EnrollmentMembers | ((request: EnrollmentRequest) => Promise<EnrollmentMembers>)
    }

/** Members of the JSON object `enrollment`. */
export type EnrollmentMembers = Readonly<Record<string, unknown>>

/** Longest code or token in characters: what is longer is a file taken for one. */
const longest = 16_384

/** Whether nothing is given: a second start has no code any more. */
function isEmpty(enroll: Enrollment): boolean {
  return (enroll.type === 'code' && !enroll.code) || (enroll.type === 'oidc' && !enroll.token)
}

/** @returns what enrols, where something is given @throws TypeError for an enrolment that cannot work */
export function checkEnrollment(enroll: Enrollment | undefined): Enrollment | undefined {
  if (enroll === undefined || isEmpty(enroll)) return undefined
  switch (enroll.type) {
    case 'code':
      if (!isSecret(enroll.code)) throw notSecretError('code')
      return enroll
    case 'oidc':
      if (typeof enroll.token !== 'function' && !isSecret(enroll.token)) throw notSecretError('token')
      return enroll
    case 'session':
      if (enroll.members !== undefined && !isObject(enroll.members))
        throw new TypeError('enroll.members must be an object')
      return enroll
    case 'custom':
      if (typeof enroll.enrollment !== 'function') checkMembers(enroll.enrollment)
      return enroll
    default:
      throw new TypeError('enroll.type must be "code", "oidc", "session" or "custom"')
  }
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longest && /^[\x21-\x7e]+$/.test(value)
}

function notSecretError(name: string): TypeError {
  return new TypeError(`enroll.${name} must be text without spaces or line ends`)
}

function checkMembers(members: unknown): void {
  if (!isObject(members) || typeof members['type'] !== 'string' || members['type'] === '')
    throw new TypeError('a custom enrolment must be an object with its own "type"')
}

/** What enrols; asks the functions for what they give. */
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

/** The platform that gives the token is one more participant, and may be away like any other. */
async function callEnroll<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw new AgentError('unreachable', 'the function of `enroll` failed', error)
  }
}

/**
 * SHA-256 of what enrols once, by which an enrolment that was used is known again; undefined for what can enrol any
 * number of times.
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

/** A refused enrolment in words that name what to do; any other error as it is. */
export function refusedEnrollmentError(error: unknown, enroll: Enrollment): unknown {
  const refusal = refusalOf(error)
  if (refusal?.error === 'invalid_grant')
    return new AgentError('denied', `the agent server does not take this ${refusedTexts[enroll.type]}`, refusal)
  // The answer of a server that does not know the type (protocol §5).
  if (refusal?.error === 'invalid_request')
    return new AgentError('denied', 'the agent server takes no such enrolment: ask its operator', refusal)
  return error
}

/** Said when the same code was sent before and nothing came back: whether it was taken then is not to be known. */
export function lostEnrollmentError(error: unknown): AgentError {
  return new AgentError(
    'denied',
    'the answer to an earlier enrolment was lost: ask for a new code or token',
    refusalOf(error),
  )
}
