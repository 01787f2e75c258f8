import { isObject } from '@countersign/protocol/internal'

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

export function isSecret(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longest && /^[\x21-\x7e]+$/.test(value)
}

export function notSecretError(name: string): TypeError {
  return new TypeError(`enroll.${name} must be text without spaces or line ends`)
}

export function checkMembers(members: unknown): void {
  if (!isObject(members) || typeof members['type'] !== 'string' || members['type'] === '')
    throw new TypeError('a custom enrolment must be an object with its own "type"')
}
