import { textHash } from '@countersign/httpsig'
import { isObject } from '@countersign/protocol'
import { AgentError, refusalOf } from '../error.js'

/** Passed to a function of `enroll` that gets a token or the members of an enrolment. */
export interface EnrollmentRequest {
  /** The `aud` that an OIDC token should have, if its issuer allows any: the endpoint, `#`, and the thumbprint. */
  readonly audience: string
  /** RFC 7638 thumbprint of the new key. */
  readonly thumbprint: string
  /** The agent server's `delegate_token_endpoint`. */
  readonly endpoint: string
}

/**
 * How a delegate proves to its agent server that it may enrol:
 * `code` a single-use code, handed out by the operator ·
 * `oidc` a token from the platform of a workload (Kubernetes, a CI provider, SPIFFE), as text or from a function ·
 * `session` the web session of the page, whose cookies go to the page's own origin only; `members` are added ·
 * `custom` any other enrolment of the agent server: an object with a `type` of its own, as such or from a function.
 * A string or an object enrols once; a function is called again when the delegate has to enrol again. An empty or undefined
 * code or token counts as none: an enrolled delegate needs none; one that is not enrolled fails when it must identify itself.
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

/** The longest code or token, in characters; anything longer is a file passed by mistake. */
const longest = 16_384

/** Whether the code or token is missing, as at a second start. */
function isEmpty(enroll: Enrollment): boolean {
  return (enroll.type === 'code' && !enroll.code) || (enroll.type === 'oidc' && !enroll.token)
}

/** @returns the enrolment; undefined when its code or token is missing @throws TypeError for an enrolment that cannot work */
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
