import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { base64urlDecodeText } from '@countersign/httpsig/internal'
import { type AAuthError, missingScope } from '@countersign/protocol'
import { checkOptions, refusal } from '@countersign/protocol/internal'
import type { User } from '@countersign/verify'
import type { AAuth } from './aauth.js'

/** What a verifier of bearer tokens may look at beside the token. */
export interface BearerRequest {
  readonly method: string
  /** The raw target. */
  readonly target: string
  /** The address that the request came from, as far as known. */
  readonly peer?: string
}

/** What a bearer token that holds says. */
export interface BearerFacts {
  /** For whom the client acts: the pair of issuer and subject, never the subject alone. */
  readonly user?: Pick<User, 'iss' | 'sub'> & Partial<Pick<User, 'claims'>>
  readonly scope: readonly string[]
  /** When the token ends, Unix seconds: so do streams that it opened (`guardMcp`, an MCP server behind a gateway). */
  readonly expires?: number
}

/**
 * Judges the access token of an OAuth client: signature or introspection, issuer, audience, time. Nothing means it does not hold;
 * an error that it throws is answered with 503. It must bound its own time.
 */
export type BearerVerifier = (token: string, request: BearerRequest) => Promise<BearerFacts | undefined>

/** OAuth access tokens that a route takes beside AAuth. */
export interface Bearer {
  readonly verify: BearerVerifier
  /** `realm` of the challenge; none by default. */
  readonly realm?: string
  /** URL of the protected resource metadata (RFC 9728), which the challenge then names; none by default. */
  readonly resourceMetadata?: string
}

/**
 * Lets a route take bearer tokens (RFC 6750) of requests that are not signed, for `alsoAccept`.
 * @throws TypeError for a realm that no header can hold, and a URL that is none
 */
export function bearer(verify: BearerVerifier, options: Omit<Bearer, 'verify'> = {}): Bearer {
  checkOptions('bearer', options, { realm: 'string', resourceMetadata: 'string' })
  const { realm, resourceMetadata } = options
  if (typeof verify !== 'function') throw new TypeError('bearer needs a verifier')
  if (realm !== undefined && !/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(realm))
    throw new TypeError('realm is printable ASCII without quotes and backslashes')
  if (
    resourceMetadata !== undefined &&
    !(URL.canParse(resourceMetadata) && new URL(resourceMetadata).href === resourceMetadata)
  )
    throw new TypeError('resourceMetadata is a URL, as it is to stand in the challenge')
  return {
    verify,
    ...(realm === undefined ? {} : { realm }),
    ...(resourceMetadata === undefined ? {} : { resourceMetadata }),
  }
}

const longestToken = 8192

/** Whether a request has a bearer token, or a header that was meant as one. */
export function hasBearer(message: ReceivedMessage): boolean {
  return headerValues(message, 'authorization').some(value => /^bearer(?:[\s,]|$)/i.test(value))
}

/**
 * The bearer token of a request.
 * @throws AAuthError `invalid_request` if `Authorization` is not exactly one bearer token
 */
export function bearerTokenOf(message: ReceivedMessage): string {
  const [value = '', ...more] = headerValues(message, 'authorization')
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(value)?.[1]
  // If there are two, a proxy in front may have checked the other one.
  if (more.length > 0 || token === undefined || token.length > longestToken) throw refusal('bearer_malformed')
  return token
}

/**
 * The facts of a request with a bearer token.
 * @param o.need the scopes of the route, all of them
 * @throws AAuthError if the token is not valid, or lacks a scope
 */
export async function verifyBearer(
  token: string,
  request: BearerRequest,
  { bearer: { verify }, need }: { readonly bearer: Bearer; readonly need: readonly string[] },
): Promise<AAuth> {
  // As a bearer credential, an auth token would work for everyone who sees it (AUT-05). A verifier that does not check `typ` could
  // accept one, if the same server issues both kinds.
  const facts = isAAuthToken(token) ? undefined : await judged(verify(token, request))
  if (facts === undefined) throw refusal('bearer_invalid')
  if (missingScope(facts.scope, need).length > 0) throw refusal('scope_missing')
  const { user, expires } = facts
  return {
    level: 'anonymous',
    credential: 'bearer',
    ...(user === undefined ? {} : { user: { iss: user.iss, sub: user.sub, claims: user.claims ?? {} } }),
    scope: [...facts.scope],
    ...(expires === undefined ? {} : { expires }),
    chain: [],
  }
}

async function judged(verdict: Promise<BearerFacts | undefined>): Promise<BearerFacts | undefined> {
  try {
    return await verdict
  } catch (cause) {
    throw refusal('dependency_unavailable', { about: 'what verifies bearer tokens', retryAfter: 5, cause })
  }
}

const aauthTypes: ReadonlySet<unknown> = new Set(['auth+jwt', 'agent+jwt', 'resource+jwt'])

function isAAuthToken(token: string): boolean {
  try {
    const header: unknown = JSON.parse(base64urlDecodeText(token.split('.', 1)[0] ?? ''))
    const typ = typeof header === 'object' && header !== null && 'typ' in header ? header.typ : undefined
    return typeof typ === 'string' && aauthTypes.has(typ.toLowerCase().replace(/^application\//, ''))
  } catch {
    return false
  }
}

/**
 * `WWW-Authenticate` of a refusal; undefined where a bearer token would change nothing.
 * @param o.given whether the request had one: without, no error is named (RFC 6750 §3.1)
 */
export function bearerChallenge(
  error: AAuthError,
  { realm, resourceMetadata }: Bearer,
  { scope, given }: { readonly scope: readonly string[]; readonly given: boolean },
): string | undefined {
  const code = given ? bearerErrors[error.status] : undefined
  if (error.status !== 401 && (code === undefined || error.code === 'policy_denied')) return undefined
  const parameters = [
    ...(realm === undefined ? [] : [`realm="${realm}"`]),
    ...(resourceMetadata === undefined ? [] : [`resource_metadata="${resourceMetadata}"`]),
    // Names of scopes hold neither quotes nor backslashes.
    ...(scope.length === 0 ? [] : [`scope="${scope.join(' ')}"`]),
    ...(code === undefined ? [] : [`error="${code}"`]),
  ]
  return parameters.length === 0 ? 'Bearer' : `Bearer ${parameters.join(', ')}`
}

const bearerErrors: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'invalid_token',
  403: 'insufficient_scope',
}
